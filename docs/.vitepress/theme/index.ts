import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme-without-fonts'
import BeforeAfter from './BeforeAfter.vue'
import DataWay from './DataWay.vue'
import EngineSpeed from './EngineSpeed.vue'
import EngineViews from './EngineViews.vue'
import PageList from './PageList.vue'
import QualityTables from './QualityTables.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app
      .component('BeforeAfter', BeforeAfter)
      .component('DataWay', DataWay)
      .component('EngineSpeed', EngineSpeed)
      .component('EngineViews', EngineViews)
      .component('PageList', PageList)
      .component('QualityTables', QualityTables)
  },
} satisfies Theme

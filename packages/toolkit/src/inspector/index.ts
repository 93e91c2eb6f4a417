export {
  createInspection,
  type InspectedPicture,
  type Inspection,
  type InspectionOptions,
  type SeenPicture,
  type UpscalerView,
} from './inspection.ts'
export { type LivePage, type PageOptions, type PageState, renderPage, renderState } from './page.ts'
export {
  messageOf,
  type PictureAction,
  type PictureState,
  type PictureViews,
  type ShownPicture,
  type ShownPlace,
} from './picture.ts'
export { placeText } from './place-text.ts'
export { writeInspection } from './report.ts'

import { join } from 'node:path'
import { app, BrowserWindow } from 'electron'

app.whenReady().then(() => new BrowserWindow().loadFile(join(import.meta.dirname, '../renderer/index.html')))

export { type FalRequest, type FalService, startFal } from './fal.ts'
export { type FateName, type RefusalName, resultAt } from './fal-fates.ts'
export { inTurn, json, RESPONSES, type Responder, type ResponseName, refuse, soldAt } from './faults.ts'
export { type Charge, type Gateway, type GatewayOptions, startGateway } from './gateway.ts'
export {
  type IdeogramFate,
  type IdeogramRefusal,
  type IdeogramService,
  startIdeogram,
} from './ideogram.ts'
export type { RecordedFile, RecordedRequest } from './order.ts'
export { drawSample } from './picture.ts'
export { HEIGHT, TestProject, WIDTH } from './project.ts'
export type { Answer, Sale } from './sale.ts'

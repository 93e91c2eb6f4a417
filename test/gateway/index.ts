export { inTurn, json, RESPONSES, type Responder, type ResponseName, refuse, soldAt } from './faults.ts'
export { type Charge, type Gateway, type GatewayOptions, startGateway } from './gateway.ts'
export type { RecordedFile, RecordedRequest } from './order.ts'
export type { Answer, Sale } from './sale.ts'

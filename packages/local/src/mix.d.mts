export declare const FULL: number
export interface Mix {
  readonly weights: Uint8Array
  readonly columns: number
  readonly rows: number
}

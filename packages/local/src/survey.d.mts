export declare const BLOCK: number
export declare const FACTS: number
export declare function surveyBlocks(picture: {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: number
}): Int32Array

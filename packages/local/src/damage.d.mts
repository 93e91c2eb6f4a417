export interface Damage {
  readonly step: number
  readonly halved: number
  readonly noise: number
}
export declare function findDamage(patches: Uint8Array, channels: number): Damage

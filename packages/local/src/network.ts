import type { Model } from './model.ts'
import { compileProgram, type Program } from './program.ts'
import { turnedBack } from './turn.ts'

/**
 * What makes a result: one program, or four of one model turned each way, whose results are averaged. All have the same
 * scale and halo.
 */
export type Network = readonly [Program] | readonly [Program, Program, Program, Program]

/** Makes a model ready for the kernel. */
export function compileNetwork(model: Model): Network {
  return [compileProgram(model)]
}

/** The same, to be asked in each of the four orientations, for the mean of the answers. */
export function compileTurnedNetwork(model: Model): Network {
  const turned = (quarters: number): Program => compileProgram(turnedBack(model, quarters))
  return [turned(0), turned(1), turned(2), turned(3)]
}

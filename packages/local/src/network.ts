import { mirrored } from './mirror.ts'
import type { Model } from './model.ts'
import { compileProgram, type Program } from './program.ts'

/**
 * What makes a result: one program, or four of one model mirrored each way, whose results are averaged. All have the
 * same scale and halo.
 */
export type Network = readonly [Program] | readonly [Program, Program, Program, Program]

/** Makes a model ready for the kernel. */
export function compileNetwork(model: Model): Network {
  return [compileProgram(model)]
}

/** The same, to be asked for a picture and for its mirror images, for the mean of the answers. */
export function compileMirroredNetwork(model: Model): Network {
  const program = (across: boolean, down: boolean): Program =>
    compileProgram(mirrored(model, { across, down }))
  return [program(false, false), program(true, false), program(false, true), program(true, true)]
}

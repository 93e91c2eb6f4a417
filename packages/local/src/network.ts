import { mirrored } from './mirror.ts'
import type { Model } from './model.ts'
import { compileProgram, type Program } from './program.ts'

/**
 * What makes a result: one program, or four of one model mirrored each way, whose results are averaged. All have the
 * same scale and halo.
 */
export type Network = readonly [Program] | readonly [Program, Program, Program, Program]

/** Makes a model ready for the kernel, while the event loop goes round. */
export async function compileNetwork(model: Model): Promise<Network> {
  return [await compileProgram(model)]
}

/** The same, to be asked for a picture and for its mirror images, for the mean of the answers. */
export async function compileMirroredNetwork(model: Model): Promise<Network> {
  const program = (across: boolean, down: boolean): Promise<Program> =>
    compileProgram(mirrored(model, { across, down }))
  return [
    await program(false, false),
    await program(true, false),
    await program(false, true),
    await program(true, true),
  ]
}

import type { EngineParams, PixelAnswer, PixelImage } from 'upscale-core'
import { choose } from './choose-network.ts'
import { enlarge } from './enlarge.ts'
import { parseModel } from './model.ts'
import { compileMirroredNetwork, compileNetwork, type Network } from './network.ts'
import { createPool } from './pool.ts'
import { EXPERTS, type Expert, readWeights, type Scale, weightFileName } from './weights.ts'

/** Threads and networks, which are read when they are first needed. */
export interface Enlarger {
  /** @param model a name of ModelName */
  upscale(
    image: PixelImage,
    scale: Scale,
    model: EngineParams[string],
    signal: AbortSignal,
  ): Promise<PixelAnswer>
  close(): Promise<void>
}

/** @param threads to compute on */
export function openEnlarger(threads: number): Enlarger {
  const pool = createPool(threads)
  const networks = new Map<string, Promise<Network>>()

  function networkFor(expert: Expert, scale: Scale, isBest = false): Promise<Network> {
    // A drawing gains nothing by it: type isn't mirrored, and hardly was in what `design` learned from.
    const isMirrored = isBest && expert !== 'design'
    const name = weightFileName(expert, scale)
    const key = isMirrored ? `${name}, mirrored` : name
    const known = networks.get(key)
    if (known !== undefined) return known
    const trained = parseModel(readWeights(name), name)
    const network = isMirrored ? compileMirroredNetwork(trained) : compileNetwork(trained)
    networks.set(key, network)
    return network
  }

  return {
    async upscale(image, scale, model, signal) {
      if (isExpert(model)) return enlarge(image, await networkFor(model, scale), pool, { signal, threads })
      const isBest = model === 'quality'
      const { base, over } = await choose(image, pool, { signal, threads })
      const network = await networkFor(base, scale, isBest)
      const larger = await enlarge(image, network, pool, {
        signal,
        threads,
        over: over && { network: await networkFor(over.expert, scale, isBest), mix: over.mix },
      })
      return { ...larger, chosen: over === undefined ? base : `${base} and ${over.expert}` }
    },

    close: () => pool.close(),
  }
}

function isExpert(value: unknown): value is Expert {
  return EXPERTS.some(name => name === value)
}

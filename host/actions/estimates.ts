import type { Estimate } from '../protocol/actions/estimate.ts';
import type { Call } from './action.ts';

/** Properties of a model that are known before its header is read. */
export interface ModelFacts {
  /** Its name, which may contain the number of parameters that are active for each token, such as `A3B`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly quantization: string;
}

/** Returns a function that estimates whether and how fast a model would run here, from its size and name. */
export async function estimatesHere({ services }: Call): Promise<(model: ModelFacts) => Estimate> {
  const [hardware, speed, { recommendSplit, ASSUMED_LAYERS }, { usedShareByName }] = await Promise.all([
    services.hardware(),
    services.speed(),
    import('../hardware/split.ts'),
    import('../hardware/token-speed.ts'),
  ]);
  const [snapshot, tokensPerSecond] = await Promise.all([hardware.snapshot(), speed.estimator()]);
  return ({ name, size, quantization }) => {
    const { fits, gpuLayers, cpuLayers, reason } = recommendSplit({
      modelSize: Math.max(1, size),
      totalLayers: ASSUMED_LAYERS,
      snapshot,
    });
    const gpuShare = gpuLayers / (gpuLayers + cpuLayers);
    const bytes = Math.max(1, size) * usedShareByName(name);
    const perSecond = tokensPerSecond({ quantization, bytes, gpuShare, layers: ASSUMED_LAYERS });
    return {
      fits,
      loadedTo: gpuLayers === 0 ? 'CPU' : cpuLayers === 0 ? 'GPU' : 'SPLIT',
      tokensPerSecond: fits && perSecond !== null ? Math.round(perSecond * 10) / 10 : null,
      reason,
    };
  };
}

import { invalidField } from '../common/host-errors.ts';
import { createYielder } from '../common/yield-to-event-loop.ts';
import { centroid } from '../vectors/centroid.ts';
import { kMeans } from '../vectors/k-means.ts';
import { nearest } from '../vectors/nearest.ts';
import { silhouette } from '../vectors/silhouette.ts';
import { cosine, unit } from '../vectors/similarity.ts';
import type { Actions } from './action.ts';
import { placed, TextRequest } from './text-request.ts';

/** Size of each cluster, and the text nearest to its middle. */
function describeClusters(vectors: readonly Float32Array[], labels: readonly number[], count: number) {
  return Array.from({ length: count }, (_, label) => {
    const members = [...vectors.entries()].filter(([index]) => labels[index] === label);
    const middle = centroid(members.map(([, vector]) => vector));
    const scores = members.map(([index, vector]) => ({ index, score: cosine(middle, vector) }));
    const [representative] = nearest(scores, 1);
    return { label, size: members.length, representative: representative?.index ?? 0 };
  });
}

export const actions: Actions<'CLUSTER_TEXTS'> = {
  async CLUSTER_TEXTS(request, call) {
    const { texts, n_clusters: k, seed = 0 } = request;
    if (k > texts.length) throw invalidField('n_clusters', `at most the number of texts, ${texts.length}`, k);
    const work = await TextRequest.of(request, call);
    const vectors = (await work.vectors(placed('texts', texts))).map(unit);
    const pause = createYielder(call.signal);
    const { labels, count } = await kMeans(vectors, { k, seed, pause });
    const payload = {
      labels,
      n_clusters: count,
      silhouette_score: await silhouette(vectors, labels, pause),
      algorithm: 'kmeans' as const,
      clusters: describeClusters(vectors, labels, count),
      ...work.summary(),
    };
    return { payload, topLevel: payload };
  },
};

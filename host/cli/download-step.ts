import { formatDuration } from '../common/format.ts';
import type { EventPayloads } from '../protocol/messages.ts';
import type { Step } from './terminal/progress.ts';

type Progress = EventPayloads['MODEL_DOWNLOAD_PROGRESS'];

/** Converts a progress event of a download into a step for the progress view. */
export function downloadStep(label: string, payload: Progress, now = Date.now()): Step {
  const { progress: percent, loaded: done, total, bytesPerSecond, etaSeconds, connections } = payload;
  return { label, percent, done, total, bytesPerSecond, etaSeconds, connections, stall: stallOf(payload, now) };
}

/** Describes why no bytes arrive, and what the host does next; undefined while they do. */
function stallOf({ stalledSince, next }: Progress, now: number): Step['stall'] {
  if (next == null && stalledSince == null) return undefined;
  const since = stalledSince == null ? undefined : `no data for ${formatDuration(now / 1000 - stalledSince)}`;
  const then = next == null ? undefined : `${whatNext(next)} in ${formatDuration(next.inSeconds)}`;
  return { kind: next?.action ?? 'stalled', text: [since, then].filter((part) => part !== undefined).join(', ') };
}

function whatNext({ action, code }: NonNullable<Progress['next']>): string {
  if (action === 'reconnect') return 'reconnects';
  if (action === 'retry') return 'tries again';
  return code === 'RATE_LIMITED' ? 'requests are limited, continues' : 'the server is busy, continues';
}

import type { FromRunner, ToRunner } from '../../../host/engine/ipc.ts';

/** A runner that replies to every command with an error of many megabytes. */
process.on('message', (message) => {
  const received = message as ToRunner;
  if (received.type !== 'command') return;
  const text = 'x'.repeat(20_000_000);
  const error = { code: 'MODEL_REJECTED', message: text, details: { long: text, kept: 'short' } } as const;
  process.send?.({ type: 'error', id: received.id, error } satisfies FromRunner);
});

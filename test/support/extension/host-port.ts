import type { NativePort } from '../../../extension/host-connection.ts';
import type { HostProcess } from '../host/host-process.ts';

/**
 * Returns a native port that is connected to a real host without a browser.
 *
 * @param intercept Returns a reply to send instead of the host's; undefined to let the host reply.
 */
export function portOf(host: HostProcess, intercept: () => object | undefined = () => undefined): NativePort {
  const listeners = new Set<(message: unknown) => void>();
  host.onMessage((message) => {
    for (const listener of listeners) listener(message);
  });
  return {
    postMessage: (message) => {
      const reply = intercept();
      if (reply === undefined) return host.send(message);
      const { requestId } = message as { requestId?: string };
      queueMicrotask(() => {
        for (const listener of listeners) listener({ ...reply, requestId });
      });
    },
    disconnect: () => void host.close(),
    onMessage: { addListener: (listener) => listeners.add(listener) },
    onDisconnect: { addListener: (listener) => void host.exited.then(() => listener()) },
  };
}

import type { NativePort } from '../../../extension/host-connection.ts';
import type { HostProcess } from '../host/host-process.ts';

/** A port as a browser gives it, with a real host at its end instead of a browser in between. */
export function portOf(host: HostProcess): NativePort {
  return {
    postMessage: (message) => host.send(message),
    disconnect: () => void host.close(),
    onMessage: { addListener: (listener) => host.onMessage(listener) },
    onDisconnect: { addListener: (listener) => void host.exited.then(() => listener()) },
  };
}

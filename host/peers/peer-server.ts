import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { HostError } from '../common/errors.ts';
import { hostShuttingDown, modelNotLoaded } from '../common/host-errors.ts';
import { isJsonObject, type JsonObject } from '../common/json.ts';
import type { Logger } from '../common/log.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import type { PeerAccess } from '../presence/announcement.ts';
import { type Address, newAddress } from './address.ts';
import { answerCaller, handshakeAsHost } from './handshake.ts';
import { PeerCalls, type PeerEmit } from './peer-calls.ts';
import { PROGRESS } from './peer-protocol.ts';

/** Maximum number of connections. Each model that another host uses has its own connection. */
const MAX_CONNECTIONS = 64;

/** The session of a connection. It answers requests until the connection ends. */
export interface PeerSession {
  readonly finished: Promise<unknown>;
  /** Aborts the running requests and closes the connection. */
  stop(reason: HostError): void;
}

/** Opens a session, which passes the requests that arrive on a socket to `handler`. */
export type OpenPeerSession = (
  socket: Socket,
  handler: (message: JsonObject, call: { signal: AbortSignal; emit: PeerEmit }) => Promise<object>,
) => PeerSession;

/** Options of {@link PeerServer}. */
export interface PeerServerOptions {
  /** The folder of the announcements. */
  readonly folder: string;
  readonly models: ModelRegistry;
  readonly openSession: OpenPeerSession;
  /** Returns the function that loads a model for another host; undefined in a host that ends with its browser. */
  readonly load: () => LoadForPeer | undefined;
  readonly log: Logger;
}

/**
 * Loads a model with the fields of a `LOAD_MODEL` request. Resolves with the payload of the reply. @throws HostError.
 */
export type LoadForPeer = (fields: JsonObject, call: { signal: AbortSignal; emit: PeerEmit }) => Promise<object>;

/**
 * Allows the user's other hosts to use the models of this one. Each connection is for one model and is closed when the
 * model is unloaded, which tells the other host that it can no longer use the model.
 */
export class PeerServer {
  /** The address and secret with which other hosts connect. */
  readonly access: PeerAccess;
  readonly #server: Server;
  readonly #address: Address;
  readonly #options: PeerServerOptions;
  /** The sockets of the connections, before and after the handshake. */
  readonly #sockets = new Set<Socket>();
  readonly #stopListening: () => void;
  /** The model ids of the sessions; '' for a session that loads models. */
  readonly #sessions = new Map<PeerSession, string>();

  private constructor(server: Server, address: Address, secret: string, options: PeerServerOptions) {
    this.access = { address: address.path, secret };
    this.#server = server;
    this.#address = address;
    this.#options = options;
    server.on('connection', (socket) => void this.#accept(socket));
    this.#stopListening = options.models.onChange(({ type, id }) => {
      if (type !== 'loaded') this.#end(id);
    });
  }

  static async open(options: PeerServerOptions): Promise<PeerServer> {
    const address = await newAddress(options.folder);
    const server = createServer();
    server.maxConnections = MAX_CONNECTIONS;
    try {
      server.listen(address.path);
      await once(server, 'listening');
      if (process.platform !== 'win32') await chmod(address.path, 0o600);
    } catch (error) {
      server.close();
      await address.remove();
      throw error;
    }
    // The server must not keep the process running by itself.
    server.unref();
    return new PeerServer(server, address, randomBytes(32).toString('hex'), options);
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#server.close();
    for (const session of this.#sessions.keys()) session.stop(hostShuttingDown());
    for (const socket of this.#sockets) socket.destroy();
    await this.#address.remove();
  }

  async #accept(socket: Socket): Promise<void> {
    const { models, openSession, log } = this.#options;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    try {
      const { modelId, load: isLoad } = await handshakeAsHost(socket, this.access.secret);
      const load = isLoad === true ? this.#options.load() : undefined;
      if (load !== undefined) {
        answerCaller(socket, { load: true });
        const session = openSession(socket, async ({ request }, call) => ({
          value: await load(isJsonObject(request) ? request : {}, {
            signal: call.signal,
            emit: ({ payload }) => call.emit({ type: PROGRESS, payload }),
          }),
        }));
        this.#sessions.set(session, '');
        void session.finished.finally(() => this.#sessions.delete(session));
        return;
      }
      const id = String(modelId);
      const model = models.get(id);
      if (model === undefined || model.host !== undefined) {
        socket.end(`${JSON.stringify({ error: modelNotLoaded(id).code })}\n`);
        return;
      }
      const calls = new PeerCalls(models, id);
      answerCaller(socket, { model, settings: models.settingsOf(id) ?? {} });
      const session = openSession(socket, (message, call) => calls.handle(message, call));
      this.#sessions.set(session, id);
      void session.finished.finally(() => this.#sessions.delete(session));
    } catch (error) {
      log.warn('peers.refused', { error });
      socket.destroy();
    }
  }

  #end(id: string): void {
    for (const [session, used] of this.#sessions) if (used === id) session.stop(modelNotLoaded(id));
  }
}

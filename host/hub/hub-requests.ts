import { HostError, isHostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { HostLimits } from '../config.ts';
import { type FollowedResponse, type FollowRequest, follow } from './follow.ts';
import { HttpClient } from './http.ts';
import { HubError } from './hub-error.ts';
import { ProxyRoutes } from './proxy.ts';
import { type Refusal, readRefusal } from './refusal.ts';
import { allowsToken, describeRejected, findToken, type RejectedToken, type SavedToken } from './token.ts';

/** Options for {@link HubRequests}. */
export interface HubRequestsOptions {
  /** The hub's URL, without a trailing slash. */
  readonly endpoint: string;
  /** Environment variables: tokens, proxies and `HF_HUB_OFFLINE`. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Returns the access token that the user saved in this host, if any. */
  readonly savedToken?: SavedToken;
  readonly limits: Pick<HostLimits, 'connectTimeoutMs' | 'stallTimeoutMs' | 'answerTimeoutMs'>;
  readonly log: Logger;
}

/** Sends requests to a hub with the user's access token, or without it if the hub rejects it. */
export class HubRequests {
  readonly #options: HubRequestsOptions;
  readonly #http: HttpClient;
  readonly #origin: string;
  /** The token of the last request. It is removed from error messages. */
  #token: string | undefined;
  /** The token that the hub rejected. It is sent again only if a request without it is denied. */
  #rejected: (RejectedToken & { readonly token: string }) | undefined;

  constructor(options: HubRequestsOptions) {
    const { limits, env, endpoint } = options;
    this.#options = options;
    this.#origin = new URL(endpoint).origin;
    this.#http = new HttpClient({
      timeoutMs: limits.connectTimeoutMs,
      stallMs: limits.stallTimeoutMs,
      proxies: new ProxyRoutes(env, limits.connectTimeoutMs),
    });
  }

  /** The current access token, if the hub rejected it. */
  get rejectedToken(): RejectedToken | undefined {
    return this.#rejected;
  }

  /** Resets {@link rejectedToken}, because another token was saved. */
  forgetRejectedToken(): void {
    this.#rejected = undefined;
  }

  /**
   * Sends a request and follows its redirects (see {@link follow}).
   *
   * @throws HostError `OFFLINE`, `HUB_UNREACHABLE`, `REDIRECT_REFUSED`; if the hub requires a token that cannot be read
   *   or sent, the error of reading or sending it.
   */
  async send(url: URL, request: Omit<FollowRequest, 'url' | 'token' | 'tokenOrigin'>): Promise<FollowedResponse> {
    const { env, savedToken } = this.#options;
    if (/^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '')) {
      throw new HostError('OFFLINE', 'Offline mode is on (HF_HUB_OFFLINE is set). Unset it to download models.');
    }
    // Public files need no token, so a token that cannot be read or sent must not prevent their download.
    let tokenError: HostError | undefined;
    let found = await findToken(env, savedToken).catch((error: unknown) => {
      if (!isHostError(error, 'KEYCHAIN_UNAVAILABLE', 'UNAUTHORIZED')) throw error;
      tokenError = error;
      return undefined;
    });
    if (found !== undefined && !allowsToken(this.#options.endpoint, env)) {
      found = undefined;
      tokenError = tokenNotSent(this.#origin);
    }
    const token = found?.token;
    this.#token = token;
    if (this.#rejected?.token !== token) this.#rejected = undefined;
    if (isHostError(tokenError, 'UNAUTHORIZED') && typeof tokenError.details?.source === 'string') {
      this.#rejected = { token: '', source: tokenError.details.source, reason: 'it contains invalid characters' };
    }
    const sendWith = (sent: string | undefined) =>
      follow(this.#http, { ...request, url, token: sent, tokenOrigin: this.#origin });
    let response = await sendWith(this.#rejected === undefined ? token : undefined);
    const isDenied = response.status === 401 || response.status === 403;
    if (isDenied && this.#rejected !== undefined && token !== undefined) {
      // The token may be accepted again, or be rejected for some repositories only.
      response.body.destroy();
      response = await sendWith(token);
      if (response.tokenRefusal === undefined) this.#rejected = undefined;
    }
    const { tokenRefusal, status } = response;
    if (found !== undefined && tokenRefusal !== undefined && (tokenRefusal.status === 401 || status < 400)) {
      this.#rejected = { ...found, reason: tokenRefusal.reason };
      this.#options.log.warn('hub.token-rejected', { source: found.source, status: tokenRefusal.status });
    }
    if (tokenError === undefined || (response.status !== 401 && response.status !== 403)) return response;
    response.body.destroy();
    throw tokenError;
  }

  /** Reads the reason in an error response and converts it to an error. Discards the rest of the response. */
  async refusal(
    response: FollowedResponse,
    signal: AbortSignal | undefined,
    toError: (refusal: Refusal) => HubError,
  ): Promise<HubError> {
    const rejected = this.#rejected;
    const refusal = await readRefusal(response, { secrets: this.#token ? [this.#token] : [], signal });
    // If the hub accepted the token but denied access (403), that reason is more specific than the one without a token.
    const error = toError(response.tokenRefusal?.status === 403 ? response.tokenRefusal : refusal);
    if (rejected === undefined || !isHostError(error, 'UNAUTHORIZED', 'GATED_REPO', 'REPO_NOT_FOUND')) return error;
    const { code, message, details } = error;
    const what = code === 'GATED_REPO' ? message : firstSentence(message);
    return new HubError(code, `${what} ${describeRejected(rejected)}`, {
      details: { ...details, tokenSource: rejected.source },
    });
  }
}

function firstSentence(text: string): string {
  return text.split(/(?<=\.) /, 1)[0] ?? '';
}

function tokenNotSent(origin: string): HostError {
  return new HostError(
    'UNAUTHORIZED',
    `${origin} requires an access token, which is not sent over plain HTTP because others could read it. Use an https address, or set TABAGENT_HUB_PLAIN_HTTP=1 to send it anyway.`,
    { details: { endpoint: origin } },
  );
}

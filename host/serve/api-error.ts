import { defined } from '../common/defined.ts';
import { errorInfo } from '../common/errors.ts';
import { ERROR_CODES, type ErrorCode } from '../protocol/errors.ts';

/** An error as OpenAI's API reports it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** In lower case with underscores. */
  readonly code: string;
  /** The field of the request that it is about. */
  readonly param: string | null;

  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }

  /** The body of its response. */
  get body() {
    const { message, code, param, status } = this;
    return { error: { message, type: typeOf(status), param, code } };
  }
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** A field of a request has a value that the server cannot use. `expected` completes "Expected `field` to be …". */
export function invalidParam(param: string, expected: string): ApiError {
  return new ApiError(400, 'invalid_request', `Expected \`${param}\` to be ${expected}.`, param);
}

/** How an error of the host is reported. */
interface Mapping {
  readonly status: number;
  /** OpenAI's code for it. Default: the host's, in lower case. */
  readonly code?: string;
  /**
   * Whether the host's message is passed on, because it only contains what the caller sent and names of models. The
   * messages of other errors may contain paths of this computer.
   */
  readonly passMessage?: true;
}

const MAPPINGS: Partial<Record<ErrorCode, Mapping>> = {
  INVALID_JSON: { status: 400, passMessage: true },
  INVALID_REQUEST: { status: 400, passMessage: true },
  MODEL_NOT_CAPABLE: { status: 400, passMessage: true },
  CHAT_TEMPLATE_FAILED: { status: 400, passMessage: true },
  CONTEXT_OVERFLOW: { status: 400, code: 'context_length_exceeded', passMessage: true },
  REPLY_TOO_LARGE: { status: 400, passMessage: true },
  UNSUPPORTED_MODEL_TYPE: { status: 400 },
  MODEL_REJECTED: { status: 400 },
  MODEL_NOT_LOADED: { status: 404, code: 'model_not_found', passMessage: true },
  MODEL_NOT_DOWNLOADED: { status: 404, code: 'model_not_found', passMessage: true },
  REMOTE_MODEL_NOT_FOUND: { status: 404, code: 'model_not_found' },
  RATE_LIMITED: { status: 429 },
  UNAUTHORIZED: { status: 502 },
  REMOTE_NOT_CONFIGURED: { status: 502 },
  REMOTE_UNREACHABLE: { status: 502 },
  REMOTE_CUT: { status: 502 },
  REMOTE_ERROR: { status: 502 },
  INSUFFICIENT_MEMORY: { status: 503, passMessage: true },
  ABORTED: { status: 503, passMessage: true },
};

/** Converts any error into what may leave the server. Fields of settings lose the prefix that they have in the host. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { code, message, details } = errorInfo(error);
  const { status, code: apiCode, passMessage } = { status: 500, ...defined({ ...MAPPINGS[code] }) };
  const param = typeof details?.field === 'string' ? withoutPrefix(details.field) : null;
  return new ApiError(
    status,
    apiCode ?? code.toLowerCase(),
    passMessage ? withoutPrefix(message) : ERROR_CODES[code],
    param,
  );
}

function withoutPrefix(text: string): string {
  return text.replaceAll(/\bsettings\.(?=[a-z])/g, '');
}

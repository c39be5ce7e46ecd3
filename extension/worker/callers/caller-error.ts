import { RequestError } from '../../host-connection.ts';
import { TabAgentError } from '../../web-ai/client.ts';

/**
 * Converts an error for a caller, which learns only whether its request was at fault: the host's messages can name files,
 * models and settings.
 */
export function toCallerError(error: unknown): TabAgentError {
  if (error instanceof TabAgentError) return error;
  if (!(error instanceof RequestError)) return new TabAgentError('UnknownError', 'TabAgent failed.');
  const { code, details = {} } = error;
  const field = String(details.field ?? '');
  if (code === 'INVALID_REQUEST' && field.startsWith('settings.constraint_prefix')) {
    return new TabAgentError('NotSupportedError', 'The beginning of the answer does not conform to the constraint.');
  }
  if (code === 'INVALID_REQUEST' && /^settings\.(?:json_schema|regex)/.test(field)) {
    const expected = typeof details.expected === 'string' ? ` Expected it to be ${details.expected}.` : '';
    return new TabAgentError('NotSupportedError', `The constraint is not supported.${expected}`);
  }
  if (code === 'INVALID_REQUEST' || code === 'CHAT_TEMPLATE_FAILED') {
    return new TabAgentError('NotSupportedError', 'The model cannot use these messages or tools.');
  }
  if (code === 'MODEL_NOT_CAPABLE') return new TabAgentError('NotSupportedError', 'The model cannot answer.');
  if (code === 'CONTEXT_OVERFLOW') {
    return new TabAgentError('QuotaExceededError', 'The input is too large for the context window.');
  }
  return new TabAgentError('UnknownError', 'The model failed or is not available.');
}

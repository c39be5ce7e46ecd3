import { refusedRequest, type SaidFault } from './refusals.ts';
import { RemoteFault } from './remote-fault.ts';

/** An answer without its end. Text that was passed on cannot be taken back: only what has not begun can begin again. */
export function cutOff(engine: string, pieces: number, how: string): RemoteFault {
  return new RemoteFault('REMOTE_CUT', `The answer of the engine "${engine}" broke off: ${how}.`, {
    transient: pieces === 0,
    details: { engine, pieces },
  });
}

/** No answer, or not the beginning of one. */
export function silent(engine: string, ms: number): RemoteFault {
  return new RemoteFault('REMOTE_UNREACHABLE', `The engine "${engine}" did not answer within ${ms / 1000} seconds.`, {
    details: { engine, timeoutSeconds: ms / 1000 },
  });
}

/** An answer that no such engine gives. */
export function nonsense(engine: string, expected: string, found = 'something else'): RemoteFault {
  return new RemoteFault(
    'REMOTE_ERROR',
    `Expected ${expected} from the engine "${engine}", got ${found}. Is its \`url\` in config.json that of an OpenAI-compatible API?`,
    { details: { engine, expected } },
  );
}

/** A fault told in the middle of an answer. */
export function failedMidway(engine: string, said: SaidFault): RemoteFault {
  const overflow = refusedRequest(said, { name: engine }, { engine });
  if (overflow.code === 'CONTEXT_OVERFLOW') return overflow;
  const words = said.message === '' ? '' : ` It says: ${said.message}`;
  return new RemoteFault('GENERATION_FAILED', `The engine "${engine}" failed while it generated.${words}`, {
    details: { engine },
  });
}

/** An answer whose rest is kept back. */
export function withheld(engine: string): RemoteFault {
  return new RemoteFault('GENERATION_FAILED', `The engine "${engine}" withheld the rest of its answer.`, {
    details: { engine, reason: 'content_filter' },
  });
}

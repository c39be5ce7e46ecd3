import type { Availability, TabAgentClient } from '../client.ts';
import { assertLanguages, availabilityOf, prepare } from './create.ts';
import { inactive, toException } from './errors.ts';
import { oneArgument, toDictionary, toLanguages, toSignal } from './idl.ts';
import { assertInternal, attempt, INTERNAL, Life } from './model-object.ts';
import { listOrNull } from './writing.ts';

/** Longest text that is used, UTF-16 code units: more does not improve the result. */
const MAX_TEXT = 100_000;

interface Detection {
  readonly detectedLanguage: string;
  readonly confidence: number;
}

/** Creates the class `LanguageDetector` of a window. The browser detects languages, so it needs no model. */
export function languageDetectorOf(window: Window & typeof globalThis, client: TabAgentClient) {
  const { document } = window;

  return class LanguageDetector {
    readonly #life: Life;
    readonly #languages: readonly string[] | null;

    constructor(key?: unknown, life?: Life, languages: readonly string[] = []) {
      assertInternal(key);
      this.#life = life as Life;
      this.#languages = listOrNull(languages);
    }

    static create(options?: unknown): Promise<LanguageDetector> {
      return attempt(() => {
        const gone = inactive(document);
        if (gone !== undefined) throw gone;
        const members = toDictionary(options, 'The argument');
        const signal = toSignal(members.signal);
        const languages = toLanguages(members.expectedInputLanguages, 'expectedInputLanguages') ?? [];
        signal?.throwIfAborted();
        assertLanguages(languages);
        // Nothing is downloaded, but a page may wait for the events.
        return prepare({ client, fields: undefined, signal, monitor: members.monitor }).then(
          () => new LanguageDetector(INTERNAL, new Life(document, signal), languages),
        );
      });
    }

    static availability(options?: unknown): Promise<Availability> {
      return attempt(() => {
        const gone = inactive(document);
        if (gone !== undefined) throw gone;
        const members = toDictionary(options, 'The argument');
        const languages = toLanguages(members.expectedInputLanguages, 'expectedInputLanguages') ?? [];
        return availabilityOf(client, languages);
      });
    }

    detect(...args: unknown[]): Promise<Detection[]> {
      return attempt(() => {
        const [input, options] = oneArgument(args);
        const signal = this.#life.begin(toSignal(toDictionary(options, 'The options').signal));
        const text = `${input}`.slice(0, MAX_TEXT);
        return client.request('detect', { text }, { signal }).then(
          ({ languages }) => languages.map(({ language, confidence }) => ({ detectedLanguage: language, confidence })),
          (error: unknown) => {
            throw toException(error);
          },
        );
      });
    }

    /** The number of UTF-16 code units of the input. */
    measureInputUsage(...args: unknown[]): Promise<number> {
      return attempt(() => {
        const [input, options] = oneArgument(args);
        const signal = this.#life.begin(toSignal(toDictionary(options, 'The options').signal));
        const { length } = `${input}`;
        return new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          setTimeout(() => resolve(length));
        });
      });
    }

    get expectedInputLanguages(): readonly string[] | null {
      return this.#languages;
    }

    get inputQuota(): number {
      return Number.POSITIVE_INFINITY;
    }

    destroy(): undefined {
      this.#life.end('AbortError');
    }
  };
}

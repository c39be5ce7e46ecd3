import type { TabAgentClient } from '../client.ts';
import type { Feature } from '../names.ts';
import { prepareQuotaError } from './errors.ts';
import { defineInterface, type InterfaceObject } from './idl.ts';
import { languageDetectorOf } from './language-detector.ts';
import { languageModelOf } from './language-model.ts';
import { taskClassOf } from './task-interface.ts';
import { LanguageModelToolCall, LanguageModelToolError, LanguageModelToolSuccess } from './tool-content.ts';
import { TRANSLATOR } from './translator.ts';
import { writingInterface } from './writing.ts';

/** Options of {@link install}. */
export interface InstallOptions {
  readonly clientFor: (feature: Feature) => TabAgentClient;
  /** Whether the browser's own objects are left in place. */
  readonly keepsNative: boolean;
}

type Classes = Readonly<Record<string, () => InterfaceObject>>;

/** Defines the interfaces on a window, before the page's own code runs. */
export function install(window: Window & typeof globalThis, { clientFor, keepsNative }: InstallOptions): void {
  prepareQuotaError(window);
  const classes: Classes = {
    LanguageModel: () => languageModelOf(window, clientFor('language-model')),
    Summarizer: () => taskClassOf(window, clientFor('summarizer'), writingInterface('Summarizer')),
    Writer: () => taskClassOf(window, clientFor('writer'), writingInterface('Writer')),
    Rewriter: () => taskClassOf(window, clientFor('rewriter'), writingInterface('Rewriter')),
    Translator: () => taskClassOf(window, clientFor('translator'), TRANSLATOR),
    LanguageDetector: () => languageDetectorOf(window, clientFor('language-detector')),
  };
  const isKept = (name: string) => keepsNative && name in window;
  const own = Object.entries(classes).filter(([name]) => !isKept(name));
  for (const [name, make] of own) defineInterface(window, name, make());
  if (isKept('LanguageModel')) return;
  const content = { LanguageModelToolCall, LanguageModelToolSuccess, LanguageModelToolError };
  for (const [name, object] of Object.entries(content)) defineInterface(window, name, object);
}

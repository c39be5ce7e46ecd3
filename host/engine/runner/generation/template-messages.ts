import type { ChatMessage } from '../../../models/generation.ts';

/** What a template can read. */
export interface TemplateValues {
  readonly messages: readonly ChatMessage[];
  readonly add_generation_prompt: true;
  readonly bos_token: string;
  readonly eos_token: string;
}

/** To the thread that renders. */
export interface TemplateTask {
  readonly id: number;
  readonly template: string;
  readonly values: TemplateValues;
}

/** And back: the text, or what the template or its interpreter said. */
export type TemplateAnswer =
  | { readonly id: number; readonly text: string }
  | { readonly id: number; readonly fault: string };

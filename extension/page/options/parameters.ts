import type { PayloadOf } from '../../../host/protocol/messages.ts';
import type { MessageKey } from '../i18n.ts';

type Params = PayloadOf<'GET_PARAMS'>['params'];

/** A numeric generation parameter. The ranges are those the host accepts. */
export interface Parameter {
  readonly name: Exclude<keyof Params, 'do_sample'>;
  readonly title: MessageKey;
  readonly help: MessageKey;
  readonly min: number;
  readonly max: number;
  readonly step: number | 'any';
}

/** The numeric parameters in the order they are shown. Ranges: `host/protocol/actions/generation.ts`. */
export const PARAMETERS: readonly Parameter[] = [
  { name: 'temperature', title: 'param_temperature', help: 'help_temperature', min: 0, max: 5, step: 'any' },
  { name: 'max_new_tokens', title: 'param_max_new_tokens', help: 'help_max_new_tokens', min: 1, max: 1e6, step: 1 },
  { name: 'top_p', title: 'param_top_p', help: 'help_top_p', min: 0, max: 1, step: 'any' },
  { name: 'top_k', title: 'param_top_k', help: 'help_top_k', min: 0, max: 1e6, step: 1 },
  { name: 'min_p', title: 'param_min_p', help: 'help_min_p', min: 0, max: 1, step: 'any' },
  {
    name: 'repetition_penalty',
    title: 'param_repetition_penalty',
    help: 'help_repetition_penalty',
    min: 0.01,
    max: 10,
    step: 'any',
  },
];

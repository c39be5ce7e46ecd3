import { required, toLanguage } from './idl.ts';
import type { TaskInterface } from './task-interface.ts';
import { nameOf } from './writing.ts';

/** `Translator`. */
export const TRANSLATOR: TaskInterface = {
  method: 'translate',
  attributes: ['sourceLanguage', 'targetLanguage'],
  read: (members) => {
    const sourceLanguage = toLanguage(required(members, 'sourceLanguage'));
    const targetLanguage = toLanguage(required(members, 'targetLanguage'));
    const [source, target] = [nameOf(sourceLanguage), nameOf(targetLanguage)];
    return {
      values: { sourceLanguage, targetLanguage },
      languages: [sourceLanguage, targetLanguage],
      instructions: () =>
        `You translate the text that the user gives you from ${source} to ${target}. Write nothing but the translation.`,
      emptyResult: (input) => input,
    };
  },
};

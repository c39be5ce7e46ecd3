import { colorCode } from './code-colors.ts';

/** Colors the code of each message. Runs in a worker, because the library takes seconds for some hostile text. */
addEventListener('message', ({ data: { code, language } }: MessageEvent<{ code: string; language: string }>) =>
  postMessage(colorCode(code, language)),
);

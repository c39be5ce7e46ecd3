import { colorCode } from './code-colors.ts';

/** Colors the code of each message. In a worker, because some text made for it takes the library seconds. */
addEventListener('message', ({ data: { code, language } }: MessageEvent<{ code: string; language: string }>) =>
  postMessage(colorCode(code, language)),
);

import { describe, expect, it } from '@jest/globals';
import type { Platform } from '../../../host/common/platform.ts';
import { folderFromSetting } from '../../../host/external/folder-setting.ts';
import { folderSettings, programFolders } from '../../../host/external/program-folders.ts';

const LINUX = { HOME: '/home/ada' };
const MAC = { HOME: '/Users/ada' };
const WINDOWS = {
  USERPROFILE: 'C:\\Users\\ada',
  LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local',
  APPDATA: 'C:\\Users\\ada\\AppData\\Roaming',
};

function folders(platform: Platform, env: Record<string, string>) {
  return programFolders({ platform, env }).map(({ program, layout, folder }) => [program, layout, folder]);
}

describe('the folders of other programs', () => {
  it('are the default ones on Linux', () => {
    expect(folders('linux', LINUX)).toEqual([
      ['huggingface', 'hub-cache', '/home/ada/.cache/huggingface/hub'],
      ['llama.cpp', 'llama-cache', '/home/ada/.cache/llama.cpp'],
      ['lmstudio', 'publisher', '/home/ada/.lmstudio/models'],
      ['lmstudio', 'publisher', '/home/ada/.cache/lm-studio/models'],
      ['ollama', 'ollama', '/home/ada/.ollama/models'],
      ['ollama', 'ollama', '/usr/share/ollama/.ollama/models'],
      ['jan', 'jan', '/home/ada/.local/share/Jan/data'],
      ['jan', 'jan', '/home/ada/.config/Jan/data'],
      ['jan', 'jan', '/home/ada/jan'],
      ['gpt4all', 'plain', '/home/ada/.local/share/nomic.ai/GPT4All'],
      ['gpt4all', 'plain', '/home/ada/.cache/gpt4all'],
    ]);
  });

  it('are in Library on macOS for programs that use it', () => {
    expect(folders('darwin', MAC)).toEqual([
      ['huggingface', 'hub-cache', '/Users/ada/.cache/huggingface/hub'],
      ['llama.cpp', 'llama-cache', '/Users/ada/Library/Caches/llama.cpp'],
      ['lmstudio', 'publisher', '/Users/ada/.lmstudio/models'],
      ['lmstudio', 'publisher', '/Users/ada/.cache/lm-studio/models'],
      ['ollama', 'ollama', '/Users/ada/.ollama/models'],
      ['jan', 'jan', '/Users/ada/Library/Application Support/Jan/data'],
      ['jan', 'jan', '/Users/ada/jan'],
      ['gpt4all', 'plain', '/Users/ada/Library/Application Support/nomic.ai/GPT4All'],
      ['gpt4all', 'plain', '/Users/ada/.cache/gpt4all'],
    ]);
  });

  it('are in the profile and AppData on Windows', () => {
    expect(folders('win32', WINDOWS)).toEqual([
      ['huggingface', 'hub-cache', 'C:\\Users\\ada\\.cache\\huggingface\\hub'],
      ['llama.cpp', 'llama-cache', 'C:\\Users\\ada\\AppData\\Local\\llama.cpp'],
      ['lmstudio', 'publisher', 'C:\\Users\\ada\\.lmstudio\\models'],
      ['lmstudio', 'publisher', 'C:\\Users\\ada\\.cache\\lm-studio\\models'],
      ['ollama', 'ollama', 'C:\\Users\\ada\\.ollama\\models'],
      ['jan', 'jan', 'C:\\Users\\ada\\AppData\\Roaming\\Jan\\data'],
      ['jan', 'jan', 'C:\\Users\\ada\\jan'],
      ['gpt4all', 'plain', 'C:\\Users\\ada\\AppData\\Local\\nomic.ai\\GPT4All'],
      ['gpt4all', 'plain', 'C:\\Users\\ada\\.cache\\gpt4all'],
    ]);
  });

  it.each([
    [{ HF_HUB_CACHE: '/a', HUGGINGFACE_HUB_CACHE: '/b', HF_HOME: '/c' }, '/a'],
    [{ HUGGINGFACE_HUB_CACHE: '/b', HF_HOME: '/c' }, '/b'],
    [{ HF_HOME: '/c' }, '/c/hub'],
    [{ HF_HOME: '~/hf' }, '/home/ada/hf/hub'],
    [{ XDG_CACHE_HOME: '/d' }, '/d/huggingface/hub'],
  ])('follow %j as huggingface_hub does', (env, folder) => {
    expect(folders('linux', { ...LINUX, ...env })).toContainEqual(['huggingface', 'hub-cache', folder]);
  });

  it('follow LLAMA_CACHE in both of its layouts, and OLLAMA_MODELS alone', () => {
    const found = folders('linux', { ...LINUX, LLAMA_CACHE: '/llama', OLLAMA_MODELS: '/ollama' });
    expect(found.filter(([program]) => program === 'llama.cpp')).toEqual([
      ['llama.cpp', 'hub-cache', '/llama'],
      ['llama.cpp', 'llama-cache', '/llama'],
    ]);
    expect(found.filter(([program]) => program === 'ollama')).toEqual([['ollama', 'ollama', '/ollama']]);
  });

  it('are ignored without a home folder or if they are relative', () => {
    expect(folders('linux', { HF_HUB_CACHE: 'hub', LLAMA_CACHE: '.', OLLAMA_MODELS: '/ollama' })).toEqual([
      ['ollama', 'ollama', '/ollama'],
    ]);
  });
});

describe('a folder set in the settings of a program', () => {
  function named(platform: Platform, file: RegExp, text: string) {
    const env = { linux: LINUX, darwin: MAC, win32: WINDOWS }[platform];
    const setting = folderSettings({ platform, env }).find((one) => file.test(one.file));
    if (setting === undefined) throw new Error(`No setting ${file}`);
    return folderFromSetting(setting, text, platform)?.folder;
  }

  it.each<[Platform, RegExp, string, string]>([
    ['linux', /\/\.lmstudio-home-pointer$/, '/data/lmstudio\n', '/data/lmstudio/models'],
    ['linux', /\/\.lmstudio\/settings\.json$/, '{"downloadsFolder": "/data/models"}', '/data/models'],
    ['win32', /\\\.lmstudio\\settings\.json$/, '{"downloadsFolder": "D:\\\\models"}', 'D:\\models'],
    ['win32', /Roaming\\jan\.ai\.app\\settings\.json$/, '{"data_folder": "D:\\\\jan"}', 'D:\\jan'],
    ['darwin', /Application Support\/Jan\/settings\.json$/, '{"data_folder": "/Volumes/big/jan"}', '/Volumes/big/jan'],
    ['linux', /\.config\/nomic\.ai\/GPT4All\.ini$/, '[General]\nmodelPath=/data/gpt4all/\n', '/data/gpt4all/'],
    ['win32', /Roaming\\nomic\.ai\\GPT4All\.ini$/, '[General]\r\nmodelPath=D:\\\\gpt4all\r\n', 'D:\\gpt4all'],
  ])('is read on %s from %s', (platform, file, text, folder) => {
    expect(named(platform, file, text)).toBe(folder);
  });

  it.each([
    '',
    '{',
    '[]',
    'null',
    '{"downloadsFolder": 7}',
    '{"downloadsFolder": "models"}',
    '{"downloadsFolder": "/a\\u0000b"}',
  ])('is ignored if the settings are %j', (text) => {
    expect(named('linux', /\/\.lmstudio\/settings\.json$/, text)).toBeUndefined();
  });
});

import { homedir } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { homeFolder, ownFolders, userFolders } from '../../../host/common/platform.ts';

describe('the folders of a user', () => {
  it('follow the XDG base directories on Linux', () => {
    expect(userFolders({ platform: 'linux', env: { HOME: '/home/ada' } })).toEqual({
      home: '/home/ada',
      config: '/home/ada/.config',
      data: '/home/ada/.local/share',
      localData: '/home/ada/.local/share',
      cache: '/home/ada/.cache',
      huggingFace: '/home/ada/.cache/huggingface',
    });
    const env = { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d', XDG_CACHE_HOME: '/k', HF_HOME: '/hf' };
    expect(userFolders({ platform: 'linux', env })).toEqual({
      home: undefined,
      config: '/c',
      data: '/d',
      localData: '/d',
      cache: '/k',
      huggingFace: '/hf',
    });
  });

  it('ignore relative XDG folders, as the specification requires', () => {
    const env = { HOME: '/home/ada', XDG_CONFIG_HOME: 'here', XDG_DATA_HOME: './x', XDG_CACHE_HOME: '.' };
    expect(userFolders({ platform: 'linux', env })).toEqual(
      userFolders({ platform: 'linux', env: { HOME: '/home/ada' } }),
    );
  });

  it('are in Library on macOS', () => {
    expect(userFolders({ platform: 'darwin', env: { HOME: '/Users/ada' } })).toMatchObject({
      config: '/Users/ada/Library/Application Support',
      cache: '/Users/ada/Library/Caches',
      huggingFace: '/Users/ada/.cache/huggingface',
    });
  });

  it('are in AppData on Windows', () => {
    expect(
      userFolders({ platform: 'win32', env: { USERPROFILE: 'C:\\Users\\ada', APPDATA: 'D:\\Roaming' } }),
    ).toMatchObject({
      config: 'D:\\Roaming',
      localData: 'C:\\Users\\ada\\AppData\\Local',
      huggingFace: 'C:\\Users\\ada\\.cache\\huggingface',
    });
  });

  it('are known without a home folder in the environment', () => {
    expect(homeFolder({})).toBe(homedir());
    expect(Object.values(ownFolders({})).filter((folder) => folder === undefined)).toEqual([]);
  });
});

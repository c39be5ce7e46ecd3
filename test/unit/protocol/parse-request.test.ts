import { describe, expect, it } from '@jest/globals';
import { type HostError, isHostError } from '../../../host/common/errors.ts';
import { parseRequest, readHead } from '../../../host/protocol/parse-request.ts';

async function refusal(message: Parameters<typeof parseRequest>[0]): Promise<HostError> {
  try {
    await parseRequest(message);
  } catch (error) {
    if (isHostError(error)) return error;
    throw error;
  }
  throw new Error('The request was taken');
}

describe('parseRequest', () => {
  it('accepts an action in any case', async () => {
    for (const action of ['LOAD_MODEL', 'load_model', 'Load_Model']) {
      expect((await parseRequest({ action, modelPath: 'a/b/c.gguf' })).declaration.name).toBe('LOAD_MODEL');
    }
  });

  it('accepts unknown fields, as the original did', async () => {
    expect((await parseRequest({ action: 'PING', hello: 1 })).fields).toMatchObject({ hello: 1 });
  });

  it.each([
    [{}, 'action'],
    [{ action: 7 }, 'action'],
    [{ action: null }, 'action'],
    [{ action: 'PING', requestId: {} }, 'requestId'],
    [{ action: 'PING', requestId: 'x'.repeat(1025) }, 'requestId'],
    [{ action: 'PING', requestId: Number.POSITIVE_INFINITY }, 'requestId'],
    [{ action: 'PING', requestId: null }, 'requestId'],
    [{ action: 'PING', requestId: [1] }, 'requestId'],
    [{ action: 'STOP_GENERATION', targetRequestId: 'x'.repeat(1025) }, 'targetRequestId'],
    [{ action: 'STOP_GENERATION', targetRequestId: Number.NEGATIVE_INFINITY }, 'targetRequestId'],
    [{ action: 'LOAD_MODEL', modelPath: 7 }, 'modelPath'],
    [{ action: 'LOAD_MODEL', modelPath: '' }, 'modelPath'],
    [{ action: 'LOAD_MODEL', modelPath: 'x'.repeat(5000) }, 'modelPath'],
    [{ action: 'LOAD_MODEL', modelPath: 'a/b/c.gguf', settings: [] }, 'settings'],
    [{ action: 'SET_MODEL_SETTINGS', settings: { ['x'.repeat(9_000)]: 1 } }, `settings.${'x'.repeat(191)}`],
    [{ action: 'SET_MODEL_SETTINGS', settings: { generation: { temprature: 1 } } }, 'settings.generation.temprature'],
    [{ action: 'UPDATE_CONVERSATION', id: 'a', settings: { temprature: 1 } }, 'settings.temprature'],
    [{ action: 'LOAD_MODEL', modelPath: 'a/b/c.gguf', settings: { n_gpu_layers: 1.5 } }, 'settings.n_gpu_layers'],
    [{ action: 'LOAD_MODEL', modelPath: 'a/b/c.gguf', settings: { n_gpu_layers: -2 } }, 'settings.n_gpu_layers'],
    [{ action: 'LOAD_MODEL', modelPath: 'a/b/c.gguf', settings: { n_ctx: 0 } }, 'settings.n_ctx'],
    [{ action: 'LOAD_MODEL', modelPath: 'a/b/c.gguf', settings: { n_ctx: 1e300 } }, 'settings.n_ctx'],
    [{ action: 'RECOMMEND_SPLIT', modelSize: '4GB' }, 'modelSize'],
    [{ action: 'RECOMMEND_SPLIT', modelSize: -1 }, 'modelSize'],
    [{ action: 'GET_AVAILABLE_MODELS', limit: 0 }, 'limit'],
    [{ action: 'GET_AVAILABLE_MODELS', cursor: '../1' }, 'cursor'],
    [{ action: 'ADD_MODEL_TO_LIST' }, 'model'],
  ])('reports the invalid field of %j', async (message, field) => {
    const error = await refusal(message);
    expect(error.code).toBe('INVALID_REQUEST');
    expect(error.details?.field).toBe(field);
    expect(error.message).toContain(`\`${field}\``);
  });

  it.each(['NO_SUCH_ACTION', '', '__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'rejects the action %j',
    async (action) => {
      const error = await refusal({ action });
      expect(error.code).toBe('UNKNOWN_ACTION');
      expect(error.message).toMatch(/^Unknown action/);
    },
  );
});

describe('readHead', () => {
  it('returns the action and the ID as they were sent', () => {
    expect(readHead({ action: 'ping', requestId: 0 })).toEqual({ action: 'ping', requestId: 0 });
    const longest = 'x'.repeat(1024);
    expect(readHead({ action: 'ping', requestId: longest })).toEqual({ action: 'ping', requestId: longest });
  });

  it('ignores values of the wrong type or length', () => {
    expect(readHead({ action: ['x'], requestId: { a: 1 } })).toEqual({});
    expect(readHead({ action: 'x'.repeat(10_000), requestId: 'y'.repeat(10_000) })).toEqual({});
  });
});

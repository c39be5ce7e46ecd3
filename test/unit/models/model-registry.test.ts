import { describe, expect, it } from '@jest/globals';
import { HostError } from '../../../host/common/errors.ts';
import type { LoadedModel } from '../../../host/models/model-engine.ts';
import { type LoadPlan, type ModelChange, ModelRegistry } from '../../../host/models/model-registry.ts';
import { ManualClock } from '../../support/extension/manual-clock.ts';
import { StubModel } from '../../support/models/stub-model.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const REQUEST: Parameters<ModelRegistry['generate']>[1] = {
  input: { prompt: '' },
  maxNewTokens: 1,
  stop: [],
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 },
};

function registry() {
  const clock = new ManualClock();
  const models = new ModelRegistry({ log: new RecordedLog(), clock });
  const changes: ModelChange[] = [];
  models.onChange((change) => changes.push(change));
  const leases: string[] = [];
  const plan = (model: StubModel, changes: Partial<LoadPlan> = {}): LoadPlan => ({
    id: model.info.id,
    lease: async () => {
      leases.push(model.info.id);
      return { release: () => void leases.splice(leases.indexOf(model.info.id), 1) };
    },
    start: async () => model,
    ...changes,
  });
  const load = async (id: string, backend?: LoadedModel['backend'], keepAliveMs?: number) => {
    const model = new StubModel(id, backend);
    await models.load(plan(model), { keepAliveMs });
    return model;
  };
  return { models, clock, changes, leases, plan, load };
}

describe('the registry', () => {
  it('is busy during loads and requests, and reports each before it starts', async () => {
    const starts: boolean[] = [];
    const models: ModelRegistry = new ModelRegistry({
      log: new RecordedLog(),
      clock: new ManualClock(),
      onStart: () => starts.push(models.isBusy),
    });
    const model = new StubModel('one');
    const loading = models.load({ id: 'one', start: async () => model });
    expect([models.isBusy, starts]).toEqual([true, [false]]);
    await loading;
    expect(models.isBusy).toBe(false);
    const generation = models.generate('one', REQUEST);
    expect([models.isBusy, starts]).toEqual([true, [false, false]]);
    models.stopGenerations();
    await generation;
    expect(models.isBusy).toBe(false);
    await models.embed('one', { texts: [], truncate: false });
    expect(starts).toHaveLength(3);
  });
});

describe('the active model', () => {
  it('is the model loaded or selected last, and after its unload the last loaded one of the same kind', async () => {
    const { models, load } = registry();
    await load('one');
    await load('two');
    await load('remote/far/three', 'Remote');
    expect(models.activeId).toBe('remote/far/three');
    models.setActive('two');
    await models.unload('two');
    expect(models.activeId).toBe('one');
    await models.unload('one');
    expect(models.activeId).toBe('remote/far/three');
    await models.unload('remote/far/three');
    expect(models.activeId).toBeNull();
  });
});

describe('a lease', () => {
  it('is acquired before the load starts, and released after the model was unloaded', async () => {
    const { models, leases, plan } = registry();
    const model = new StubModel('one');
    const start = async () => {
      expect(leases).toEqual(['one']);
      return model;
    };
    await models.load(plan(model, { start }));
    expect(leases).toEqual(['one']);
    await models.unload('one');
    expect([leases, model.isUnloaded]).toEqual([[], true]);
  });

  it('is released when the load fails, when the model is lost, and when the registry closes', async () => {
    const { models, leases, plan, load } = registry();
    const failing = plan(new StubModel('one'), { start: () => Promise.reject(new Error('no')) });
    await expect(models.load(failing)).rejects.toThrow('no');
    expect(leases).toEqual([]);

    const lost = await load('two');
    const gone = new Promise((resolve) => models.onChange(resolve));
    lost.lose(new HostError('ENGINE_CRASHED', 'It crashed.'));
    expect(await gone).toMatchObject({ type: 'lost', id: 'two', activeId: null, error: { code: 'ENGINE_CRASHED' } });
    expect([leases, models.list()]).toEqual([[], []]);

    await load('three');
    await models.close();
    expect(leases).toEqual([]);
  });

  it('is released when the load is aborted, and a model that was loaded meanwhile is unloaded', async () => {
    const { models, changes, leases, plan } = registry();
    const model = new StubModel('one');
    const caller = new AbortController();
    const start = async () => {
      caller.abort(new HostError('ABORTED', 'The client disconnected.'));
      return model;
    };
    const aborted = models.load(plan(model, { start }), { signal: caller.signal });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    expect([leases, models.list(), model.isUnloaded, changes]).toEqual([[], [], true, []]);
  });

  it('is kept when the engine loses a model that was replaced', async () => {
    const { models, leases, plan, load } = registry();
    const replaced = await load('one');
    await models.load(plan(new StubModel('one'), { refresh: true }));
    replaced.lose(new HostError('ENGINE_CRASHED', 'It crashed.'));
    await new Promise((resolve) => setImmediate(resolve));
    expect([leases, models.list().map(({ id }) => id)]).toEqual([['one'], ['one']]);
  });

  it('is acquired once for a model that replaces itself', async () => {
    const { models, leases, plan, load } = registry();
    await load('one');
    const again = new StubModel('one');
    expect(await models.load(plan(again))).toMatchObject({ alreadyLoaded: true });
    await models.load(plan(again, { refresh: true }));
    expect(leases).toEqual(['one']);
    await models.unload('one');
    expect([leases, again.isUnloaded]).toEqual([[], true]);
  });
});

describe('a change', () => {
  it('is reported to listeners before the load or unload resolves', async () => {
    const { models, load } = registry();
    const order: string[] = [];
    models.onChange(async ({ type }) => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push(type);
    });
    await load('one');
    order.push('load resolved');
    await models.unload('one');
    order.push('unload resolved');
    expect(order).toEqual(['loaded', 'load resolved', 'unloaded', 'unload resolved']);
  });
});

describe('idle expiry', () => {
  it('unloads a model after its keep-alive time, in any engine', async () => {
    const { models, clock, changes, load } = registry();
    await load('one', 'Node-GGUF', 1000);
    await load('remote/far/two', 'Remote', 2000);
    clock.advance(999);
    expect(models.list()).toHaveLength(2);
    const unloaded = () => new Promise((resolve) => models.onChange(resolve));
    let gone = unloaded();
    clock.advance(1);
    await gone;
    gone = unloaded();
    clock.advance(1000);
    await gone;
    expect(changes.slice(2)).toMatchObject([
      { type: 'unloaded', id: 'one', reason: 'idle' },
      { type: 'unloaded', id: 'remote/far/two', reason: 'idle' },
    ]);
  });

  it('pauses while requests run, and starts at the end of the last one, even if that failed', async () => {
    const { models, clock, load } = registry();
    const model = await load('one', 'Node-GGUF', 1000);
    const running = [models.generate('one', REQUEST), models.generate('one', REQUEST)];
    clock.advance(5000);
    model.generations[0]?.resolve();
    await running[0];
    expect([clock.delays, models.evictionCandidates()]).toEqual([[], []]);
    model.generations[1]?.reject(new Error('no'));
    await expect(running[1]).rejects.toThrow('no');
    expect([clock.delays, models.evictionCandidates().map(({ id }) => id)]).toEqual([[1000], ['one']]);
  });

  it('uses a new keep-alive time, and ignores one after the model was unloaded', async () => {
    const { models, clock, load } = registry();
    await load('one');
    expect(clock.delays).toEqual([]);
    models.keepAlive('one', 1000);
    clock.advance(900);
    models.keepAlive('one', 2000);
    expect(clock.delays).toEqual([2000]);
    models.keepAlive('one', null);
    expect(clock.delays).toEqual([]);
    models.keepAlive('one', 1000);
    await models.unload('one');
    expect(clock.delays).toEqual([]);
    expect(() => models.keepAlive('one', 1000)).toThrow(expect.objectContaining({ code: 'MODEL_NOT_LOADED' }));
  });
});

describe('candidates for eviction', () => {
  it('are the idle local models, least recently used first, the active one last', async () => {
    const { models, clock, load } = registry();
    for (const id of ['one', 'two', 'three']) {
      await load(id);
      clock.advance(1);
    }
    await load('remote/far/four', 'Remote');
    models.setActive('one');
    expect(models.evictionCandidates().map(({ id }) => id)).toEqual(['two', 'three', 'one']);
    expect(models.mappedBytes).toBe(12);
  });
});

describe('a request', () => {
  it('ends with MODEL_NOT_LOADED when its model is unloaded', async () => {
    const { models, load } = registry();
    await load('one');
    const failed = expect(models.generate('one', REQUEST)).rejects.toMatchObject({
      code: 'MODEL_NOT_LOADED',
      message: 'one was unloaded before it finished this request. Load it again.',
    });
    expect(await models.unload('one')).toEqual({ ramFreed: 7, vramFreed: 0 });
    await failed;
  });

  it('can be stopped while it is being prepared, and then never reaches the engine', async () => {
    const { models, load } = registry();
    const model = await load('one');
    const prepared = Promise.withResolvers<typeof REQUEST>();
    const generation = models.generate('one', () => prepared.promise, { tag: 'early' });
    expect(models.stopGenerations({ tag: 'early' })).toMatchObject([{ count: 1 }]);
    prepared.resolve(REQUEST);
    expect(await generation).toMatchObject({ finishReason: 'stopped', text: '' });
    expect(model.generations).toEqual([]);
  });

  it('is stopped by its tag, or by its model', async () => {
    const { models, load } = registry();
    await load('one');
    await load('two');
    const [a, b, c] = ['a', 'b', 'a'].map((tag, i) => models.generate(i < 2 ? 'one' : 'two', REQUEST, { tag }));
    expect(models.stopGenerations({ tag: 'none' })).toEqual([]);
    expect(models.stopGenerations({ tag: 'b' })).toMatchObject([{ model: { id: 'one' }, count: 1 }]);
    expect((await b)?.finishReason).toBe('stopped');
    expect(models.stopGenerations({ id: 'two' })).toMatchObject([{ model: { id: 'two' }, count: 1 }]);
    await c;
    expect(models.stopGenerations()).toMatchObject([{ model: { id: 'one' }, count: 1 }]);
    await a;
  });
});

/** A model that another host has loaded. */
class StubElsewhere extends StubModel {
  override readonly info: LoadedModel;
  readonly loadedWith = { n_ctx: 7 };
  isUnloadedThere = false;

  constructor(id: string) {
    super(id);
    this.info = { ...new StubModel(id).info, host: { pid: 5 } };
  }

  async unloadThere() {
    this.isUnloadedThere = true;
    return { ramFreed: 9, vramFreed: 0 };
  }
}

describe('a model that another host has loaded', () => {
  const opened = async () => {
    const all = registry();
    const model = new StubElsewhere('there');
    await all.models.load(all.plan(model, { settings: { n_ctx: 1 } }));
    return { ...all, model };
  };

  it('is not unloaded to free memory, and has the settings of its load in that host', async () => {
    const { models } = await opened();
    expect(models.evictionCandidates()).toEqual([]);
    expect(models.settingsOf('there')).toEqual({ n_ctx: 7 });
  });

  it('is unloaded in that host only for an explicit request', async () => {
    for (const there of [true, false]) {
      const { models, model, leases } = await opened();
      expect(await models.unload('there', { there })).toMatchObject({ ramFreed: there ? 9 : 7 });
      expect([model.isUnloadedThere, model.isUnloaded, leases]).toEqual([there, !there, []]);
    }
    const { models, model } = await opened();
    await models.unloadAll();
    expect(model.isUnloadedThere).toBe(false);
  });

  it('is reported as lost if that host loses it', async () => {
    const { models, model, changes } = await opened();
    model.lose(new HostError('MODEL_NOT_LOADED', 'The host has ended'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(changes.at(-1)).toMatchObject({ type: 'lost', id: 'there', wasElsewhere: true });
    expect(models.list()).toEqual([]);
  });

  it('releases the load lock after the listeners were called, even if the load fails', async () => {
    const { models, plan } = registry();
    const order: string[] = [];
    models.onChange(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('told');
    });
    await models.load(plan(new StubElsewhere('there'), { end: () => void order.push('end') }));
    const failing = plan(new StubElsewhere('fails'), {
      start: () => Promise.reject(new HostError('LOAD_TIMEOUT', 'Too slow')),
      end: () => void order.push('end'),
    });
    await expect(models.load(failing)).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' });
    expect(order).toEqual(['told', 'end', 'end']);
  });
});

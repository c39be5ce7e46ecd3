import { describe, expect, it } from '@jest/globals';
import { type ReloadPlan, reload } from '../../../host/actions/reload.ts';
import { HostError } from '../../../host/common/errors.ts';
import type { LoadedModel } from '../../../host/models/model-engine.ts';
import { ModelRegistry } from '../../../host/models/model-registry.ts';
import { ManualClock } from '../../support/extension/manual-clock.ts';
import { StubModel } from '../../support/models/stub-model.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const MINUTE_MS = 60_000;

async function registry() {
  const clock = new ManualClock();
  const models = new ModelRegistry({ log: new RecordedLog(), clock });
  const plan = (settings: object, start: () => Promise<StubModel>): ReloadPlan => ({
    id: 'one',
    settings: { ...settings },
    start,
    before: (earlier) => plan(earlier, async () => new StubModel('one')),
  });
  const load = (settings: object) => plan(settings, async () => new StubModel('one'));
  await models.load(load({ n_ctx: 256 }), { keepAliveMs: MINUTE_MS });
  await models.load({ id: 'other', start: async () => new StubModel('other') });
  const fail = (code: ConstructorParameters<typeof HostError>[0]) =>
    plan({ n_ctx: 512 }, async () => {
      throw new HostError(code, 'It failed.', { details: { modelId: 'one' } });
    });
  return { models, clock, plan, load, fail, loaded: models.get('one') as LoadedModel };
}

describe('a reload', () => {
  it('replaces the model, which keeps its idle time', async () => {
    const { models, clock, load, loaded } = await registry();
    const { model } = await reload(models, loaded, load({ n_ctx: 512 }), {});
    expect(models.get('one')).toBe(model);
    expect(model).not.toBe(loaded);
    expect(models.settingsOf('one')).toEqual({ n_ctx: 512 });
    expect(models.activeId).toBe('one');
    clock.advance(MINUTE_MS);
    expect(models.get('one')).toBeUndefined();
  });

  it('takes another idle time if it is given one', async () => {
    const { models, clock, load, loaded } = await registry();
    await reload(models, loaded, load({ n_ctx: 512 }), { keepAliveMs: null });
    clock.advance(MINUTE_MS);
    expect(models.get('one')).toBeDefined();
  });

  it('that fails loads the model as before, and says so', async () => {
    const { models, clock, fail, loaded } = await registry();
    await expect(reload(models, loaded, fail('ENGINE_CRASHED'), {})).rejects.toMatchObject({
      code: 'ENGINE_CRASHED',
      message: 'It failed. The model is loaded with its previous settings.',
      details: { modelId: 'one', isLoaded: true },
    });
    expect(models.settingsOf('one')).toEqual({ n_ctx: 256 });
    expect(models.activeId).toBe('other');
    clock.advance(MINUTE_MS);
    expect(models.get('one')).toBeUndefined();
  });

  it('says that the model is lost if it cannot be loaded as before either', async () => {
    const { models, fail, loaded } = await registry();
    const plan = { ...fail('INSUFFICIENT_MEMORY'), before: () => fail('ENGINE_CRASHED') };
    await expect(reload(models, loaded, plan, {})).rejects.toMatchObject({
      code: 'INSUFFICIENT_MEMORY',
      message: 'It failed. The model was unloaded for this, and could not be loaded again.',
      details: { modelId: 'one', isLoaded: false },
    });
    expect(models.get('one')).toBeUndefined();
  });

  it('that is cancelled loads nothing', async () => {
    const { models, fail, loaded } = await registry();
    await expect(reload(models, loaded, fail('CANCELLED'), {})).rejects.toMatchObject({ message: 'It failed.' });
    expect(models.get('one')).toBeUndefined();
  });
});

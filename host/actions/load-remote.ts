import { defined } from '../common/defined.ts';
import { errorReply } from '../messaging/error-reply.ts';
import type { LoadingProgressPayload, PayloadOf } from '../protocol/messages.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import type { ActionResult, Call } from './action.ts';
import { loadedPayload } from './model-entry.ts';

/** Loads a model of an engine elsewhere: asks whether that answers and has it. The events are those of any load. */
export async function loadRemote(
  name: RemoteId,
  loadId: string | number | undefined,
  call: Call,
): Promise<ActionResult<PayloadOf<'LOAD_MODEL'>>> {
  const tell = (event: Omit<LoadingProgressPayload, 'file' | 'loadId'>) =>
    call.emit('modelWorkerLoadingProgress', { ...event, file: name.id, ...defined({ loadId }) });
  tell({ status: 'initiate', progress: 0 });
  try {
    const model = await (await call.services.remote()).models.load(name, call.signal);
    tell({ status: 'done', progress: 100 });
    return { message: `The engine "${name.engine}" answers and has the model`, payload: loadedPayload(model) };
  } catch (error) {
    tell({ status: 'error', progress: 0, message: errorReply(error).message });
    throw error;
  }
}

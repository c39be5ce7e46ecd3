import { throttle } from '../common/progress.ts';
import type { Actions } from './action.ts';
import { percent } from './download-events.ts';

export const actions: Actions<'MOVE_CACHE'> = {
  async MOVE_CACHE({ folder }, { services, signal, emit }) {
    const report = throttle(({ moved, total }: { moved: number; total: number }) =>
      emit('CACHE_MOVE_PROGRESS', { moved, total, progress: percent(moved, total, moved === total) }),
    );
    try {
      const payload = await services.relocateCache(folder, { signal, onProgress: report });
      return { payload, message: `The cache lies in ${payload.to} now` };
    } finally {
      report.flush();
    }
  },
};

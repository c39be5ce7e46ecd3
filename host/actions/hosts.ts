import { livingHosts } from '../presence/other-hosts.ts';
import type { Actions } from './action.ts';
import { page } from './paging.ts';

export const actions: Actions<'LIST_HOSTS'> = {
  async LIST_HOSTS(request, { services }) {
    const hosts = (await livingHosts(services.config.paths)).map(({ pid, version, startedAt, models }) => ({
      pid,
      version,
      started_at: startedAt,
      models,
    }));
    const { items, ...next } = page(hosts, request);
    return { payload: { hosts: items, ...next } };
  },
};

import type { ClientRequest } from 'node:http';
import { ConnectionError } from './bulk-connection.ts';
import { MAX_INTERIM_RESPONSES } from './response-head.ts';

/** Aborts a request with an error if the server sends more than {@link MAX_INTERIM_RESPONSES} interim responses. */
export function limitInterimResponses(request: ClientRequest): void {
  let count = 0;
  request.on('information', () => {
    count += 1;
    if (count > MAX_INTERIM_RESPONSES) {
      request.destroy(new ConnectionError('EPROTO', `more than ${MAX_INTERIM_RESPONSES} interim responses`));
    }
  });
}

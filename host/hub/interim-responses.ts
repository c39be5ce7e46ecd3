import type { ClientRequest } from 'node:http';
import { ConnectionError } from './bulk-connection.ts';
import { MAX_INTERIM_RESPONSES } from './response-head.ts';

/** Ends a request with an error when its server sends more interim (1xx) responses than any server has reason to. */
export function limitInterimResponses(request: ClientRequest): void {
  let count = 0;
  request.on('information', () => {
    count += 1;
    if (count > MAX_INTERIM_RESPONSES) {
      request.destroy(new ConnectionError('EPROTO', `more than ${MAX_INTERIM_RESPONSES} interim responses`));
    }
  });
}

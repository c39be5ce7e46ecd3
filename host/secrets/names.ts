/** The name the hub's token is kept under. */
export const HUB_TOKEN = 'hub-token';

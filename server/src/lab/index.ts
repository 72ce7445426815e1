export { createHubClient, type HubClient, HubUnavailable } from './hub-client.js';
export { field, HubRefused, readHubUser, userPath } from './hub-user.js';
export { createLab } from './lab.js';
export { labRoutes } from './routes.js';
export { createTicketIssuer } from './ticket.js';

export { createHubClient, type HubClient, HubUnavailable } from './hub-client.js';
export { field, HubRefused, type HubUser, readHubUser, userPath } from './hub-user.js';
export { createLab, type Lab, type LabDeps, type LabOwner } from './lab.js';
export { type LabRouteDeps, labRoutes } from './routes.js';
export { createTicketIssuer, type IssueTicket } from './ticket.js';

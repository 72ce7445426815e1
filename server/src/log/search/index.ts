export { SearchIndexes } from './indexes.js';
export { type SearchDependencies, searchActivity } from './search.js';

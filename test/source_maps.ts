// Not by an option of node's, for which mocha would start another process, that outlives the one which is told to end.
process.setSourceMapsEnabled(true);

// Run by MongoDB's health check: exit 0 once this node is the primary and its users exist. The first run on a
// new data folder makes it a replica set of one and creates the users. MongoDB allows that without a password
// from its own machine, and only as long as there is no user.
//
// Safe to repeat because what exists is left as it is.

const { readFileSync } = require('node:fs');

const FOLDER = '/run/secrets';
/** How long a new replica set of one takes to elect itself, at most. */
const ELECTION_MS = 15_000;
const LOOK_EVERY_MS = 200;
const secret = name => readFileSync(`${FOLDER}/${name}`, 'utf8').trim();
const operator = { user: 'operator', pwd: secret('mongodb_password_operator') };
const admin = db.getSiblingDB('admin');

const isOperator = () => {
  try {
    return admin.auth(operator.user, operator.pwd).ok === 1;
  } catch {
    return false;
  }
};

if (!isOperator()) {
  try {
    rs.initiate({ _id: 'eventflow', members: [{ _id: 0, host: 'mongo:27017' }] });
  } catch {
    // It is one already, and waits for its first user.
  }
  for (const until = Date.now() + ELECTION_MS; !db.hello().isWritablePrimary;) {
    if (Date.now() > until) quit(1);
    sleep(LOOK_EVERY_MS);
  }
  admin.createUser({ ...operator, roles: ['root'] });
  admin.auth(operator.user, operator.pwd);
}
const isPrimary = db.hello().isWritablePrimary;
const own = db.getSiblingDB('eventflow');
if (isPrimary && own.getUser('eventflow') === null) {
  own.createUser({ user: 'eventflow', pwd: secret('mongodb_password_eventflow'), roles: ['readWrite'] });
}
quit(isPrimary ? 0 : 1);

// An OpenID provider of the package oidc-provider, as it comes: its own login and consent pages, its own checks.
// Arguments: the redirect addresses of the client. Says its issuer as one line of JSON and ends with its standard input.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://localhost:${server.address().port}`;
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const person = (id) => ({ sub: id, email: `${id}@people.test`, groups: ['staff', `${id}-team`] });
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'vaultlike',
      client_secret: 'a secret: 100% + /',
      redirect_uris: process.argv.slice(2),
      response_types: ['code'],
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256', kid: 'one' }] },
    cookies: { keys: ['of this process only'] },
    claims: { openid: ['sub'], email: ['email'], groups: ['groups'] },
    conformIdTokenClaims: true, // claims of scopes are at the user info endpoint, as the specification has it
    features: { deviceFlow: { enabled: true } },
    pkce: { methods: ['S256'], required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => person(id) }),
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

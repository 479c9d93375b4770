package trunk

import (
	"slices"
	"strings"

	"centralino/pbx/sip"

	"github.com/icholy/digest"
)

// strength orders the algorithms that a challenge may name (RFC 8760); MD5 is what
// an empty name means.
var strength = map[string]int{"": 1, "MD5": 1, "SHA-256": 2, "SHA-512-256": 3}

// challenge is a digest challenge that the trunk answers, with the count of its
// uses.
type challenge struct {
	c      *digest.Challenge
	header string // of the credentials
	count  int
}

func (c *challenge) isZero() bool { return c.c == nil }

func (c *challenge) realm() string { return c.c.Realm }

// authorize adds credentials to a request; false if they can't be made.
func (c *challenge) authorize(req *sip.Request, user, secret string) bool {
	c.count++
	cred, err := digest.Digest(c.c, digest.Options{Method: req.Method(), URI: req.URI().String(),
		Username: user, Password: secret, Count: c.count})
	if err != nil {
		return false
	}
	req.SetHeader(c.header, cred.String())
	return true
}

// strongest picks from a 401 or 407 the strongest challenge that can be done and
// whose realm is admitted. qop must offer auth or be missing: bodies are not
// protected.
func strongest(resp *sip.Response, admitted func(realm string) bool) (challenge, bool) {
	ask, answer := "WWW-Authenticate", "Authorization"
	if resp.Status() == 407 {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	var best challenge
	rank := 0
	for _, v := range resp.Headers(ask) {
		c, err := digest.ParseChallenge(v)
		if err != nil || !admitted(c.Realm) || len(c.QOP) > 0 && !c.SupportsQOP("auth") {
			continue
		}
		if n := strength[strings.ToUpper(c.Algorithm)]; n > rank {
			best, rank = challenge{c: c, header: answer}, n
		}
	}
	return best, rank > 0
}

// takeChallenge takes the registrar's challenge for the next REGISTER and says
// whether it only means that the nonce is used up.
func (t *Trunk) takeChallenge(resp *sip.Response) (stale bool, f *failure) {
	if t.o.Secret == "" {
		return false, &failure{cause: CauseSecret, code: resp.Status()}
	}
	c, ok := strongest(resp, t.admitsRealm)
	if !ok || !t.Exempt(resp.Flow().Remote()) {
		return false, &failure{cause: CauseChallenge, code: resp.Status()}
	}
	t.challenge = c
	return c.c.Stale, nil
}

// admitsRealm says whether the password may be used in a realm: the first one that
// the registrar accepted it in, or a configured one. Until then the registrar, and
// for a trunk that does not register the server, may name any.
func (t *Trunk) admitsRealm(realm string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.realm == "" || realm == t.realm || slices.Contains(t.o.Realms, realm)
}

// Authorize answers a 401 or 407 to an INVITE of this trunk: it adds credentials
// to req, the next attempt, and says whether there is one. It refuses challenges
// that did not come from the trunk's servers, that name another realm (the called
// party's, passed on by the provider, would learn a digest of our password), that
// come before a registration has shown the realm, and a second challenge that does
// not say that the nonce was stale. Other methods are never answered.
func (t *Trunk) Authorize(resp *sip.Response, req *sip.Request) bool {
	if req.Method() != sip.INVITE || t.o.Secret == "" || !t.Exempt(resp.Flow().Remote()) {
		return false
	}
	t.mu.RLock()
	unknown := t.realm == ""
	t.mu.RUnlock()
	if unknown && t.o.Config.Register {
		return false
	}
	c, ok := strongest(resp, t.admitsRealm)
	if !ok || req.HasHeader(c.header) && !c.c.Stale {
		return false
	}
	if unknown {
		t.mu.Lock()
		if t.realm == "" {
			t.realm = c.realm()
		}
		t.mu.Unlock()
	}
	return c.authorize(req, t.auth, t.o.Secret)
}

package primehub

import (
	"net/http"
	"regexp"
	"strconv"
)

// Kind is what a failed request means, as far as can be told.
type Kind string

// The kinds of failures.
const (
	// KindNoAnswer is a platform that could not be reached, or did not answer in time.
	KindNoAnswer Kind = "no answer"
	// KindUnauthenticated is an API token that is missing, unknown, expired or revoked.
	KindUnauthenticated Kind = "unauthenticated"
	// KindForbidden is a caller who may not do that.
	KindForbidden Kind = "forbidden"
	// KindNotFound is the platform's word that something is not there. It takes a list to confirm it.
	KindNotFound Kind = "not found"
	// KindConflict is a name that is taken, as far as Keycloak knows.
	KindConflict Kind = "conflict"
	// KindInvalid is a request that the platform does not understand: it is another version.
	KindInvalid Kind = "invalid"
	// KindUnavailable is a part of the platform that is down: Kubernetes' API or Keycloak.
	KindUnavailable Kind = "unavailable"
	// KindKeycloak is Keycloak having refused something, such as the id of a group.
	KindKeycloak Kind = "refused by Keycloak"
	// KindNoRole is an image whose role in Keycloak is gone: the platform stumbles over it.
	KindNoRole Kind = "no role in Keycloak"
	// KindKubernetes is Kubernetes having refused something, or an image that is not there.
	KindKubernetes Kind = "refused by Kubernetes"
	// KindWebPage is a web page in place of an answer.
	KindWebPage Kind = "web page"
	// KindNotPrimeHub is an address where there is no such API.
	KindNotPrimeHub Kind = "not PrimeHub"
	// KindBroken is an answer that was cut short or is not what the API sends.
	KindBroken Kind = "broken"
	// KindOther is anything else.
	KindOther Kind = "other"
)

// contextFailed begins the message of a request whose caller could not be made out. Its HTTP status is 500.
const contextFailed = "Context creation failed: "

// signs tell kinds by what the platform says. Its codes alone do not: most refusals carry INTERNAL_SERVER_ERROR, and which ones differs between the editions
// (CONTRACT §1.4). The first sign that fits counts; an empty code fits all.
var signs = []struct {
	code    string
	message *regexp.Regexp
	kind    Kind
}{
	{"", regexp.MustCompile(`^` + contextFailed + `(?:request not authorized|Invalid API Token)`), KindUnauthenticated},
	{"", regexp.MustCompile(`^` + contextFailed), KindUnavailable}, // Keycloak could not be asked
	{"", regexp.MustCompile(`^request not authorized`), KindForbidden},
	{"", regexp.MustCompile(`^Not Authorised!$`), KindForbidden},
	{"NOT_AUTH", nil, KindForbidden},
	{"REFRESH_TOKEN_EXPIRED", nil, KindUnauthenticated},
	{"ACCESS_TOKEN_EXPIRED", nil, KindUnauthenticated},
	{"RESOURCE_CONFLICT", nil, KindConflict},
	{"RESOURCE_NOT_FOUND", nil, KindNotFound},
	{"", regexp.MustCompile(`^images\.primehub\.io ".*" not found`), KindNotFound}, // before November 2022
	{"API_UNAVAILABLE", nil, KindUnavailable},
	{"", regexp.MustCompile(`^API_UNAVAILABLE$`), KindUnavailable},
	{"GRAPHQL_PARSE_FAILED", nil, KindInvalid},
	{"GRAPHQL_VALIDATION_FAILED", nil, KindInvalid},
	{"BAD_USER_INPUT", nil, KindInvalid},
	{"REQUEST_BODY_INVALID", nil, KindInvalid},
	{"", regexp.MustCompile(`^HTTP request failed`), KindKubernetes},
	{"", regexp.MustCompile(`^Cannot read propert(?:y 'id' of null|ies of null \(reading 'id'\))`), KindNoRole},                           // old and new Node's words
	{"", regexp.MustCompile(`^(?:connect|read|write|getaddrinfo) E[A-Z]+\b|^socket hang up|^timeout of \d+ms exceeded`), KindUnavailable}, // Node's words
}

// keycloakStatus is how the platform passes on what Keycloak refused.
var keycloakStatus = regexp.MustCompile(`^Request failed with status code (\d{3})`)

// kindOf tells what an error of the API means.
func kindOf(status int, code, message string) Kind {
	if refused := keycloakStatus.FindStringSubmatch(message); refused != nil {
		if by, err := strconv.Atoi(refused[1]); err == nil && by >= http.StatusInternalServerError {
			return KindUnavailable
		}
		return KindKeycloak
	}
	for _, sign := range signs {
		if (sign.code == "" || sign.code == code) && (sign.message == nil || sign.message.MatchString(message)) {
			return sign.kind
		}
	}
	if code == "" && status == http.StatusNotFound {
		return KindNotPrimeHub
	}
	return KindOther
}

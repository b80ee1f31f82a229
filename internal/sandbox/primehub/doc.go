// Package primehub is a stand-in for a PrimeHub platform: its GraphQL API for images, groups and pull secrets, and the controller that
// builds custom images, over stores in memory that behave as Keycloak and Kubernetes do. It reproduces what internal/primehub/CONTRACT.md
// measured and read, the odd things above all, and none of it is hidden from tests: what a client cannot see, the methods of [Platform] tell.
// Builds are simulated, and their logs say so.
//
// # Use
//
//	s, err := primehub.Start(primehub.Options{BuildTime: 200 * time.Millisecond})
//	defer s.Close()
//	s.Endpoint()           // "http://127.0.0.1:PORT/api/graphql"
//	primehub.TokenAdmin    // an administrator; TokenGroupAdmin administers the group GroupDataScience, TokenMember is in it, TokenOutsider in none
//	s.Operations()         // the GraphQL operations so far; s.CountOperations("rebuildImage")
//	s.Do(primehub.UserAdmin, `mutation …`, variables)   // what another person does in the UI: not recorded
//
// # Time
//
// A build takes [Options].BuildTime, where a platform needs minutes, and everything the controller does keeps its proportion to it: it looks
// at a new pod after a thirtieth of that (10 s of 5 min), and then once every tenth (30 s). Only the whole seconds of imageSpec.updateTime
// remain whole seconds, because they are what clients can see; [Options].TimeStep makes them finer.
//
// # Faults
//
// [Server] has the gate of package fault before it. To the gate, a GraphQL request has its root fields in its path, so that rules and counts
// can tell operations apart: "/api/graphql/createImage", and "/api/graphql/image+images" of a request that asks for two.
// What goes wrong behind the API, in Keycloak or in Kubernetes, is an [Outage].
//
// The wire format is its own: it shares no type with our client, so that a wrong name cannot be wrong on both sides.
package primehub

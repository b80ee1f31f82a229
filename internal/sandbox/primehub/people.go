package primehub

import "strings"

// User is a person with an API token.
type User struct {
	Username string
	// Token is the API token. A user without one cannot use the API.
	Token string
	// Admin makes an administrator of the platform.
	Admin bool
	// Groups are the names of the groups that the user is in, beside everyone.
	Groups []string
}

// Group is a group of users.
type Group struct {
	// ID is made of the name if empty: the UUIDs of Keycloak are as good as any text to clients.
	ID                string
	Name, DisplayName string
	// Admins are the user names of its administrators.
	Admins []string
}

// Secret is an image pull secret, or one for git.
type Secret struct {
	// Name is what follows "image-" in the id, which useImagePullSecret and imageSpec.pullSecret take, or "gitsync-secret-" in that of one for git.
	Name, DisplayName string
	// Opaque makes it one for git, which is no image pull secret.
	Opaque                           bool
	RegistryHost, Username, Password string
}

const (
	pullSecretPrefix = "image-"
	gitSecretPrefix  = "gitsync-secret-"
)

// The tokens and names of [DefaultUsers].
const (
	TokenAdmin      = "primehub-sandbox-admin"
	TokenGroupAdmin = "primehub-sandbox-group-admin"
	TokenMember     = "primehub-sandbox-member"
	TokenOutsider   = "primehub-sandbox-outsider"
	TokenResearcher = "primehub-sandbox-researcher"

	UserAdmin      = "phadmin"
	UserGroupAdmin = "dana"
	UserMember     = "mike"
	UserOutsider   = "otto"
	UserResearcher = "rachel"
)

// The groups of [DefaultGroups]. The name of the second contains that of the first, as filters by group name do not expect.
const (
	GroupDataScience  = "data-science"
	GroupDataScience2 = "data-science-2"
	GroupResearch     = "research"
	groupEveryone     = "everyone"
)

// DefaultUsers are an administrator of the platform, who is in one group only, two administrators of groups, a member and an outsider.
func DefaultUsers() []User {
	return []User{
		{Username: UserAdmin, Token: TokenAdmin, Admin: true, Groups: []string{GroupDataScience}},
		{Username: UserGroupAdmin, Token: TokenGroupAdmin, Groups: []string{GroupDataScience, GroupResearch}},
		{Username: UserMember, Token: TokenMember, Groups: []string{GroupDataScience}},
		{Username: UserOutsider, Token: TokenOutsider},
		{Username: UserResearcher, Token: TokenResearcher, Groups: []string{GroupResearch, GroupDataScience2}},
	}
}

// DefaultGroups are three groups, two of which have an administrator.
func DefaultGroups() []Group {
	return []Group{
		{Name: GroupDataScience, DisplayName: "Data Science", Admins: []string{UserGroupAdmin}},
		{Name: GroupDataScience2, DisplayName: "Data Science 2"},
		{Name: GroupResearch, DisplayName: "Research", Admins: []string{UserResearcher}},
	}
}

// DefaultSecrets are two image pull secrets and one for git.
func DefaultSecrets() []Secret {
	return []Secret{
		{Name: "dockerhub", DisplayName: "Docker Hub", RegistryHost: "docker.io", Username: "sandbox", Password: "not-a-password"},
		{Name: "internal", DisplayName: "Internal registry", RegistryHost: "registry.sandbox.invalid", Username: "robot", Password: "not-a-password"},
		{Name: "deploy-key", Opaque: true},
	}
}

// id is the id of the group.
func (g Group) id() string {
	if g.ID != "" {
		return g.ID
	}
	return "group-" + strings.ToLower(g.Name)
}

// id is the name of the secret in Kubernetes.
func (s *Secret) id() string {
	if s.Opaque {
		return gitSecretPrefix + s.Name
	}
	return pullSecretPrefix + s.Name
}

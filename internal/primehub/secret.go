package primehub

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
)

// secretPrefix begins the ids of all image pull secrets (contracts/primehub-api.md §3.2).
const secretPrefix = "image-"

// Secret is an image pull secret. What it holds is never read.
type Secret struct {
	// ID is what images and builds refer to: "image-" and the name.
	ID   string
	Name string
}

// Secrets lists the image pull secrets, by name. Everybody who may log in sees them. The secret with which the platform pushes what it builds is not among them, though images that were built
// refer to it.
func (c *Client) Secrets(ctx context.Context) ([]Secret, error) {
	answer, err := wire.ListSecrets(ctx, c, wire.SecretWhereInput{IfDockerConfigJson: true})
	if err != nil {
		return nil, err
	}
	secrets := make([]Secret, 0, len(answer.Secrets))
	for _, secret := range answer.Secrets {
		secrets = append(secrets, Secret{ID: secret.Id, Name: secret.Name})
	}
	slices.SortFunc(secrets, func(a, b Secret) int { return strings.Compare(a.Name, b.Name) })
	return secrets, nil
}

// Secret finds an image pull secret by its id, or by its name as PrimeHub's portal shows it. One that is not there is [ErrNotFound].
func (c *Client) Secret(ctx context.Context, idOrName string) (Secret, error) {
	secrets, err := c.Secrets(ctx)
	if err != nil {
		return Secret{}, err
	}
	for _, fits := range []func(Secret) bool{
		func(s Secret) bool { return s.ID == idOrName },
		func(s Secret) bool { return s.Name == idOrName },
	} {
		if i := slices.IndexFunc(secrets, fits); i >= 0 {
			return secrets[i], nil
		}
	}
	return Secret{}, fmt.Errorf("image pull secret %q: %w", idOrName, ErrNotFound)
}

// secretMissing tells whether a pull secret is certainly not there. That can be told only of those that the platform lists.
func (c *Client) secretMissing(ctx context.Context, id string) (bool, error) {
	if !strings.HasPrefix(id, secretPrefix) {
		return false, nil
	}
	secrets, err := c.Secrets(ctx)
	return err == nil && !slices.ContainsFunc(secrets, func(s Secret) bool { return s.ID == id }), err
}

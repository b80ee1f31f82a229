package awsregistry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

const (
	// rootTemplate is ECR's name of the template for every repository that no other is for.
	rootTemplate = "ROOT"
	// templateMark begins the description of templates of ours, and ends before the owner: they cannot have tags of their own.
	templateMark = "Managed Image Registry, by terraform-provider-rime ("
	// ownerLength is the length of what [Client.NewOwner] makes.
	ownerLength = 16
	// createOnPush is the event that templates of ours are for, unless others are asked for.
	createOnPush = "CREATE_ON_PUSH"
)

// maxDescription is the longest description of a template, in characters (ECR API, CreateRepositoryCreationTemplate).
const maxDescription = 256

// Check refuses what ECR would refuse about a template with these settings.
func (t TemplateSpec) Check(settings RepositorySettings) *InputError {
	refuse := func(field Field, text, problem, suggestion string) *InputError {
		return &InputError{Rule: -1, Field: field, Text: text, Problem: problem, Suggestion: suggestion}
	}
	for _, event := range t.AppliedFor {
		if !slices.Contains([]string{createOnPush, "PULL_THROUGH_CACHE", "REPLICATION"}, event) {
			return refuse(FieldAppliedFor, event, "is nothing that templates are for", "write \"CREATE_ON_PUSH\", \"PULL_THROUGH_CACHE\" or \"REPLICATION\"")
		}
	}
	room := maxDescription - len(templateMark+"): ") - ownerLength
	encrypted := settings.Encryption != nil && settings.Encryption.Type != string(types.EncryptionTypeAes256)
	switch {
	case utf8.RuneCountInString(t.Description) > room:
		return refuse(FieldDescription, t.Description, fmt.Sprintf("is too long: what says whose the template is leaves %d characters", room), "shorten it")
	case t.CustomRoleARN != "" && !roleARNForm.MatchString(t.CustomRoleARN):
		return refuse(FieldCustomRole, t.CustomRoleARN, "is not the ARN of a role", "")
	case encrypted && t.CustomRoleARN == "":
		return refuse(FieldCustomRole, "", "is missing: a template that encrypts with KMS needs a role that may use the key", "give custom_role_arn, or leave the encryption out")
	case encrypted && settings.Encryption.KMSKey != "" && !strings.HasPrefix(settings.Encryption.KMSKey, "arn:"):
		return refuse(FieldEncryption, settings.Encryption.KMSKey, "is not the ARN of a key, which a template needs", "give the key's ARN")
	}
	return nil
}

// templatePrefix is what ECR calls the template of a prefix.
func templatePrefix(prefix string) string { return cmp.Or(strings.Trim(prefix, "/"), rootTemplate) }

// wantedTemplate is the template as it is to be.
func (c *Client) wantedTemplate(spec RegistrySpec) Template {
	description := templateMark + spec.Owner + ")"
	if spec.Template.Description != "" {
		description += ": " + spec.Template.Description
	}
	applied := spec.Template.AppliedFor
	if len(applied) == 0 {
		applied = []string{createOnPush}
	}
	settings := spec.Repositories
	// ECR's own role may not tag: there are tags only with a role that does.
	if settings.Tags = c.MergedTags(settings.Tags); spec.Template.CustomRoleARN == "" {
		settings.Tags = nil
	}
	return Template{
		Prefix: templatePrefix(spec.Prefix), AppliedFor: applied, Description: description,
		CustomRoleARN: spec.Template.CustomRoleARN, Settings: settings,
	}
}

// same compares templates by meaning. A template cannot scan.
func (t Template) same(other Template) bool {
	a, b := t.Settings, other.Settings
	return t.Prefix == other.Prefix && t.Description == other.Description && t.CustomRoleARN == other.CustomRoleARN &&
		slices.Equal(set(t.AppliedFor), set(other.AppliedFor)) &&
		cmp.Or(a.TagMutability, mutable) == cmp.Or(b.TagMutability, mutable) && slices.Equal(set(a.Exclusions), set(b.Exclusions)) &&
		SameLifecyclePolicy(a.LifecyclePolicy, b.LifecyclePolicy) && maps.Equal(a.Tags, b.Tags) && sameEncryption(a.Encryption, b.Encryption)
}

// sameEncryption compares encryptions; none is ECR's default.
func sameEncryption(a, b *Encryption) bool {
	standard := Encryption{Type: string(types.EncryptionTypeAes256)}
	x, y := cmp.Or(a, &standard), cmp.Or(b, &standard)
	return x.Type == y.Type && sameKey(x.KMSKey, y.KMSKey)
}

// sameKey compares keys as far as can be told: AWS answers with the ARN of what may have been given by its id or alias.
func sameKey(a, b string) bool {
	switch {
	case a == b, a == "", b == "":
		return true
	case strings.HasPrefix(a, "arn:") == strings.HasPrefix(b, "arn:"):
		return false
	}
	arn, name := a, b
	if strings.HasPrefix(b, "arn:") {
		arn, name = b, a
	}
	return strings.HasPrefix(name, "alias/") || strings.HasSuffix(arn, "/"+name)
}

// readTemplate returns the template of the prefix. That it is absent, which is nil, or not as it should be is confirmed by several looks.
func (c *Client) readTemplate(ctx context.Context, spec RegistrySpec) (*Template, error) {
	want := c.wantedTemplate(spec)
	return believe(ctx, c, c.options.Confirmations, func(ctx context.Context) (*Template, error) {
		return find(ctx, c, 1, func(ctx context.Context) (*Template, error) { return c.getTemplate(ctx, want.Prefix) })
	}, func(seen *Template) bool { return seen != nil && seen.same(want) })
}

// OwnTemplate returns what the spec's template was made of, if there is one that carries the spec's owner. Nil: there is none, or none of this owner. A field that has its default is empty.
func (c *Client) OwnTemplate(ctx context.Context, spec RegistrySpec) (*TemplateSpec, error) {
	if spec.Owner == "" {
		return nil, nil //nolint:nilnil // Nil is no template, as in Registry.
	}
	found, err := find(ctx, c, c.options.Confirmations, func(ctx context.Context) (*Template, error) { return c.getTemplate(ctx, templatePrefix(spec.Prefix)) })
	if err != nil || found == nil || found.Owner != spec.Owner {
		return nil, err
	}
	_, words, _ := strings.Cut(found.Description, "): ")
	template := &TemplateSpec{AppliedFor: found.AppliedFor, Description: words, CustomRoleARN: found.CustomRoleARN}
	if slices.Equal(template.AppliedFor, []string{createOnPush}) {
		template.AppliedFor = nil
	}
	return template, nil
}

// getTemplate returns the template of that name.
func (c *Client) getTemplate(ctx context.Context, prefix string) (*Template, error) {
	out, err := call(ctx, c, "template "+prefix, func(ctx context.Context, s *services) (*ecr.DescribeRepositoryCreationTemplatesOutput, error) {
		return s.ecr.DescribeRepositoryCreationTemplates(ctx, &ecr.DescribeRepositoryCreationTemplatesInput{Prefixes: []string{prefix}})
	})
	if err != nil {
		return nil, err
	}
	for _, found := range out.RepositoryCreationTemplates {
		if strings.Trim(aws.ToString(found.Prefix), "/") == prefix {
			return templateFrom(found), nil
		}
	}
	return nil, &Error{Service: "ECR", Operation: "DescribeRepositoryCreationTemplates", Subject: "template " + prefix, Class: ClassNotFound, Message: "is not in the answer"}
}

func templateFrom(found types.RepositoryCreationTemplate) *Template {
	template := &Template{
		Prefix: strings.Trim(aws.ToString(found.Prefix), "/"), Description: aws.ToString(found.Description), CustomRoleARN: aws.ToString(found.CustomRoleArn),
		ID: madeAt(found.CreatedAt), Owner: templateOwner(aws.ToString(found.Description)),
		Settings: RepositorySettings{
			TagMutability: string(found.ImageTagMutability), Exclusions: exclusionsFrom(found.ImageTagMutabilityExclusionFilters),
			LifecyclePolicy: aws.ToString(found.LifecyclePolicy), Tags: map[string]string{},
		},
	}
	for _, event := range found.AppliedFor {
		template.AppliedFor = append(template.AppliedFor, string(event))
	}
	for _, tag := range found.ResourceTags {
		template.Settings.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if e := found.EncryptionConfiguration; e != nil {
		template.Settings.Encryption = &Encryption{Type: string(e.EncryptionType), KMSKey: aws.ToString(e.KmsKey)}
	}
	return template
}

// madeAt is a time as an id. Empty: AWS did not say.
func madeAt(created *time.Time) string {
	if created == nil {
		return ""
	}
	return created.UTC().Format(time.RFC3339Nano)
}

// templateOwner is the owner that a template's description names, if it does.
func templateOwner(description string) string {
	if rest, ours := strings.CutPrefix(description, templateMark); ours {
		owner, _, _ := strings.Cut(rest, ")")
		return owner
	}
	return ""
}

// findTemplate returns the template of that name if it may be changed and deleted, or nil if there is none after so many looks.
// One that is somebody else's is a [*ForeignError].
func (c *Client) findTemplate(ctx context.Context, prefix string, ours ownership, looks int) (*Template, error) {
	look := func(ctx context.Context) (*Template, error) { return c.getTemplate(ctx, prefix) }
	found, err := findOurs(ctx, c, looks, look, ours.coversTemplate)
	if err == nil && found != nil && !ours.coversTemplate(found) {
		return nil, foreign("repository creation template", prefix, "", found.Owner, "its description")
	}
	return found, err
}

// ensureTemplate makes the template what it is to be.
func (c *Client) ensureTemplate(ctx context.Context, spec RegistrySpec) error {
	want, ours := c.wantedTemplate(spec), c.ownership(spec)
	found, err := c.findTemplate(ctx, want.Prefix, ours, 1)
	if err == nil && found == nil {
		err = c.createTemplate(ctx, want)
		if !is(err, ClassExists) {
			return err
		}
		if _, err = await(ctx, c, "template "+want.Prefix, func(ctx context.Context) (*Template, error) { return c.getTemplate(ctx, want.Prefix) }); err == nil {
			found, err = c.findTemplate(ctx, want.Prefix, ours, 1)
		}
	}
	if err != nil || found != nil && found.same(want) {
		return err
	}
	return c.patiently(ctx, "template "+want.Prefix, func(ctx context.Context) error { return c.updateTemplate(ctx, want) }, ClassNotFound)
}

// createTemplate makes a template.
func (c *Client) createTemplate(ctx context.Context, want Template) error {
	_, err := call(ctx, c, "template "+want.Prefix, func(ctx context.Context, s *services) (*ecr.CreateRepositoryCreationTemplateOutput, error) {
		return s.ecr.CreateRepositoryCreationTemplate(ctx, &ecr.CreateRepositoryCreationTemplateInput{
			Prefix: &want.Prefix, AppliedFor: want.events(), Description: &want.Description, CustomRoleArn: optional(want.CustomRoleARN),
			EncryptionConfiguration: want.encryption(), ImageTagMutability: want.mutability(),
			ImageTagMutabilityExclusionFilters: exclusionsOf(want.Settings.Exclusions),
			LifecyclePolicy:                    optional(want.Settings.LifecyclePolicy), ResourceTags: repositoryTags(want.Settings.Tags),
		})
	})
	return err
}

// updateTemplate changes all of a template.
func (c *Client) updateTemplate(ctx context.Context, want Template) error {
	_, err := call(ctx, c, "template "+want.Prefix, func(ctx context.Context, s *services) (*ecr.UpdateRepositoryCreationTemplateOutput, error) {
		return s.ecr.UpdateRepositoryCreationTemplate(ctx, &ecr.UpdateRepositoryCreationTemplateInput{
			Prefix: &want.Prefix, AppliedFor: want.events(), Description: &want.Description, CustomRoleArn: aws.String(want.CustomRoleARN),
			EncryptionConfiguration: want.encryption(), ImageTagMutability: want.mutability(),
			ImageTagMutabilityExclusionFilters: exclusionsOf(want.Settings.Exclusions),
			LifecyclePolicy:                    aws.String(want.Settings.LifecyclePolicy),
			// No tags are told by an empty list: without one they would stay as they are.
			ResourceTags: append([]types.Tag{}, repositoryTags(want.Settings.Tags)...),
		})
	})
	return err
}

// removeTemplate deletes a template of ours.
func (c *Client) removeTemplate(ctx context.Context, prefix string) error {
	_, err := call(ctx, c, "template "+prefix, func(ctx context.Context, s *services) (*ecr.DeleteRepositoryCreationTemplateOutput, error) {
		return s.ecr.DeleteRepositoryCreationTemplate(ctx, &ecr.DeleteRepositoryCreationTemplateInput{Prefix: &prefix})
	})
	if err != nil && !is(err, ClassNotFound) {
		return err
	}
	return c.confirmGone(ctx, "template "+prefix, func(ctx context.Context) error {
		_, err := c.getTemplate(ctx, prefix)
		return err
	})
}

func (t Template) events() []types.RCTAppliedFor {
	var events []types.RCTAppliedFor
	for _, event := range t.AppliedFor {
		events = append(events, types.RCTAppliedFor(event))
	}
	return events
}

// mutability is the template's, spelled out: leaving it out of an update would leave it as it was.
func (t Template) mutability() types.ImageTagMutability {
	return types.ImageTagMutability(cmp.Or(t.Settings.TagMutability, mutable))
}

// encryption is the template's, spelled out: leaving it out of an update would leave it as it was.
func (t Template) encryption() *types.EncryptionConfigurationForRepositoryCreationTemplate {
	e := cmp.Or(t.Settings.Encryption, &Encryption{Type: string(types.EncryptionTypeAes256)})
	return &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionType(e.Type), KmsKey: optional(e.KMSKey)}
}

// optional leaves an empty text out.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

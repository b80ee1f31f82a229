// Package awsregistry is the AWS side of Managed Image Registries: ECR repositories and their lifecycle policies, the two IAM roles with their
// policies, and the registry's credentials. It knows nothing of Terraform.
//
// Pure, asking nobody:
//
//   - [Account], [PartitionOf], [ParseRegistryURL], [Covers]: ARNs, host names and what is under a prefix.
//   - [ModuleNames], [EffectivePrefix], [ModuleServiceAccounts], [ChartServiceAccounts]: the names the platform's Terraform module gives.
//   - [CheckPrefix], [CheckNaming], [CheckNames], [CheckRolePath], [CheckPermissionsBoundary], [CheckTags], [CheckOIDCProviderARN], [CheckOIDCProviderURL], [TrustSpec.Check],
//     [RepositorySettings.Check], [TemplateSpec.Check]: refusals as [*InputError], with the field and a suggestion. Nil: fine.
//   - [RegistryServerPolicy], [ImageBuilderPolicy], [ServiceAccountTrust], [PodIdentityTrust], [RegistrySpec.Documents], [SamePolicy]: policy documents.
//   - [ServiceAccountAnnotation], [HelmValues]: what the cluster has to be told.
//   - [LifecyclePolicy], [ParseLifecyclePolicy], [LifecyclePolicy.Check], [LifecyclePolicy.Useless], [LifecyclePolicy.Hazards], [SameLifecyclePolicy]: lifecycle policies.
//
// With AWS, through a [Client] that [New] makes without contacting anything:
//
//   - [Client.Account]: where we are.
//   - [Client.CreateRegistry], [Client.ReadRegistry], [Client.UpdateRegistry], [Client.DeleteRegistry], [Client.Drift]: a [RegistrySpec] made real.
//   - [Client.NewOwner], [Client.Claim], [Client.Settle]: whose registry it is, also after the death of a run of Terraform.
//   - [Client.Repositories], [Client.Repository], [Client.LifecyclePolicy], [Client.Images], [Client.Contents]: what is there.
//   - [Client.PreviewLifecyclePolicy]: what a lifecycle policy would do.
//   - [RepositoryManager], [Client.PrepareRepository], [Client.RemoveRepository], [Client.Keychain], [Client.Credentials]: for the embedded registry.
//   - [CodeArtifact], [ParseIndexURL]: the tokens of package indexes.
//   - [Limiter]: AWS's quotas, shared by whoever sends requests to the same account.
//
// Failures of AWS are [*Error], with a class that errors.Is finds ([ErrNotFound], [ErrDenied], …); [*ForeignError] is what is not ours to change, [*InUseError] what cannot be
// deleted yet, [*UnstableError] what AWS confirmed and did not show in time, [*ConfigError] a configuration that cannot work.
package awsregistry

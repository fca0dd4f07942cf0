"""The documents a person writes: BrandProject, Campaign and Review, their rules, and what the farm says back.

Light: standard library and pydantic. Knows no YAML, no Kubernetes and no terminal.
"""

from jobs.manifests.brand_project import (
    ADVISED_IMAGES,
    BaseChoice,
    Basis,
    BrandProject,
    BrandProjectSpec,
    Concept,
    Dataset,
    Gate,
    Judge,
    Recipe,
    Rights,
)
from jobs.manifests.campaign import (
    AdapterChoice,
    Campaign,
    CampaignSpec,
    Concurrency,
    History,
    Limits,
    Look,
    Missed,
    Output,
    Schedule,
    Seeds,
    Shots,
    StopIf,
)
from jobs.manifests.document import AnyManifest, check_change, dump, parse
from jobs.manifests.meta import ObjectMeta, OwnerReference
from jobs.manifests.names import API_VERSION, GROUP, is_local, seconds_of_moment, version_name, version_number
from jobs.manifests.placement import Placement
from jobs.manifests.presets import PRESETS, ResolvedRecipe, resolve_recipe
from jobs.manifests.problems import FieldProblem, ManifestProblems
from jobs.manifests.review import Review, ReviewSpec, ShotReview, Verdict
from jobs.manifests.sampler import Sampler, SamplerName
from jobs.manifests.schema import KINDS, schema_of
from jobs.manifests.status import (
    CAMPAIGN_CONDITIONS,
    PROJECT_CONDITIONS,
    BrandProjectStatus,
    CampaignStatus,
    Condition,
    ConditionStatus,
    DatasetStatus,
    NightStatus,
    ShotCounts,
    VersionStatus,
)

__all__ = [
    "ADVISED_IMAGES",
    "API_VERSION",
    "CAMPAIGN_CONDITIONS",
    "GROUP",
    "KINDS",
    "PRESETS",
    "PROJECT_CONDITIONS",
    "AdapterChoice",
    "AnyManifest",
    "BaseChoice",
    "Basis",
    "BrandProject",
    "BrandProjectSpec",
    "BrandProjectStatus",
    "Campaign",
    "CampaignSpec",
    "CampaignStatus",
    "Concept",
    "Concurrency",
    "Condition",
    "ConditionStatus",
    "Dataset",
    "DatasetStatus",
    "FieldProblem",
    "Gate",
    "History",
    "Judge",
    "Limits",
    "Look",
    "ManifestProblems",
    "Missed",
    "NightStatus",
    "ObjectMeta",
    "Output",
    "OwnerReference",
    "Placement",
    "Recipe",
    "ResolvedRecipe",
    "Review",
    "ReviewSpec",
    "Rights",
    "Sampler",
    "SamplerName",
    "Schedule",
    "Seeds",
    "ShotCounts",
    "ShotReview",
    "Shots",
    "StopIf",
    "Verdict",
    "VersionStatus",
    "check_change",
    "dump",
    "is_local",
    "parse",
    "resolve_recipe",
    "schema_of",
    "seconds_of_moment",
    "version_name",
    "version_number",
]
